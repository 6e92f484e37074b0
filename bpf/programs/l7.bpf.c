// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Requests: a call of request_done for up to four that the proxy has finished. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"
#include "probe.h"
#include "regs.h"
#include "tell.h"

/* What the kernel is told; it knows no name for the choice above. */
char LICENSE[] SEC("license") = "GPL";

/* scope says whose calls count: the probe sits on a file, and so fires for
 * every process on the node that runs the same image. */
struct scope {
	__u64 cgroup; /* zero: any */
	__u32 netns;
	__u32 reserved;
};

enum counter {
	COUNTER_REFUSED, /* calls of another layout */
	COUNTER_SERIES_OVERFLOW,
	COUNTER_BACKEND_OVERFLOW,
	COUNTER_OUTCOME_OVERFLOW,
	COUNTERS,
};

/* For the loader, which takes the enumeration from the type information. */
const enum counter *unused_counter __attribute__((unused));
const struct part *unused_part __attribute__((unused));
const struct request *unused_request __attribute__((unused));
const struct ending *unused_ending __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scope);
} scopes SEC(".maps");

/* Hash maps without preallocation: memory follows the series in use, and a
 * shared value with atomic adds, unlike one per CPU, does not grow with the
 * machine. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_SERIES);
	__type(key, __u32);
	__type(value, struct cell);
} series SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_SERIES);
	__type(key, __u32);
	__type(value, struct cell);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_OUTCOMES);
	__type(key, __u64);
	__type(value, __u64);
} outcomes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* A cell is larger than the stack; new ones are copied from this. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cell);
} blank SEC(".maps");

static __always_inline void count(enum counter which)
{
	__u32 key = which;
	__u64 *n = bpf_map_lookup_elem(&counters, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline struct cell *cell_of(void *map, __u32 id)
{
	struct cell *c = bpf_map_lookup_elem(map, &id);
	struct cell *empty;
	__u32 zero = 0;

	if (c)
		return c;
	empty = bpf_map_lookup_elem(&blank, &zero);
	if (!empty)
		return NULL;
	/* Another CPU may have been faster: then this fails and the lookup
	 * finds the other's. */
	bpf_map_update_elem(map, &id, empty, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, &id);
}

/* cell_or_overflow falls back on cell zero, which the loader creates. */
static __always_inline struct cell *cell_or_overflow(void *map, __u32 id, enum counter overflow)
{
	struct cell *c = cell_of(map, id);
	__u32 zero = 0;

	if (c)
		return c;
	count(overflow);
	return bpf_map_lookup_elem(map, &zero);
}

static __always_inline void count_outcome(__u64 key)
{
	__u64 *n = bpf_map_lookup_elem(&outcomes, &key);
	__u64 first = 1;

	if (n) {
		__sync_fetch_and_add(n, 1);
		return;
	}
	if (!bpf_map_update_elem(&outcomes, &key, &first, BPF_NOEXIST))
		return;
	n = bpf_map_lookup_elem(&outcomes, &key);
	if (!n) {
		count(COUNTER_OUTCOME_OVERFLOW);
		key = 1ULL << 63;
		n = bpf_map_lookup_elem(&outcomes, &key);
	}
	if (n)
		__sync_fetch_and_add(n, 1);
}

/* Most requests have no body, and an atomic addition is not free. */
static __always_inline void add_bytes(struct cell *c, __u64 request, __u64 response)
{
	if (request)
		__sync_fetch_and_add(&c->request_bytes, request);
	if (response)
		__sync_fetch_and_add(&c->response_bytes, response);
}

/* count_request counts one. It is a function of its own, as its callers have
 * several. */
static __noinline int count_request(__u64 outcome, __u64 duration, __u64 upstream, __u64 request, __u64 response)
{
	enum code_class class = class_of(outcome);
	__u32 backend = backend_of(outcome);
	struct cell *c;

	count_outcome(outcome);
	c = cell_or_overflow(&series, series_of(outcome), COUNTER_SERIES_OVERFLOW);
	if (c) {
		add_bytes(c, request, response);
		observe(&c->class[class], duration);
	}
	if (!backend)
		return 0;
	c = cell_or_overflow(&backends, backend, COUNTER_BACKEND_OVERFLOW);
	if (c)
		observe(&c->class[class], upstream);
	return 0;
}

/* count_brief counts a record of three registers, if that is what they hold. */
static __always_inline bool count_brief(__u64 what, __u64 answer, __u64 call)
{
	if (form_of(what) != FORM_BRIEF)
		return false;
	count_request(outcome_of(what), time_of(answer), time_of(call), bytes_of(call), bytes_of(answer));
	return true;
}

static __always_inline int count_call(struct pt_regs *ctx)
{
	__u64 what = REG1(ctx);

	if (form_of(what) == FORM_LONG)
		return count_request(outcome_of(what), REG2(ctx), REG3(ctx), REG4(ctx), REG5(ctx));
	if (!count_brief(what, REG2(ctx), REG3(ctx))) {
		count(COUNTER_REFUSED);
		return 0;
	}
	if (count_brief(REG4(ctx), REG5(ctx), REG6(ctx)) &&
	    count_brief(REG7(ctx), REG8(ctx), REG9(ctx)))
		count_brief(REG10(ctx), REG11(ctx), REG12(ctx));
	return 0;
}

static __always_inline struct scope *current_scope(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scopes, &zero);
}

SEC("uprobe.multi")
int request_done(struct pt_regs *ctx)
{
	struct scope *s = current_scope();

	if (!s || (s->cgroup && s->cgroup != bpf_get_current_cgroup_id()))
		return 0;
	return count_call(ctx);
}

/* request_done_netns is for where the proxy's own cgroup is not known: all
 * containers of a pod share its network namespace. */
SEC("uprobe.multi")
int request_done_netns(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct scope *s = current_scope();

	if (!s || task->nsproxy->net_ns->ns.inum != s->netns)
		return 0;
	return count_call(ctx);
}

static long tell_next_series(__u32 i, struct telling *t)
{
	return tell_next(&series, i, t);
}

static long tell_next_backend(__u32 i, struct telling *t)
{
	return tell_next(&backends, i, t);
}

/* tell_cells tells those cells that are asked for and have counted something. */
SEC("syscall")
int tell_cells(struct request *r)
{
	struct telling t = {};

	if (r->asked > MAX_ASKED)
		return 0;
	if (r->backends)
		bpf_loop(r->asked, tell_next_backend, &t, 0);
	else
		bpf_loop(r->asked, tell_next_series, &t, 0);
	r->told = t.told;
	r->parts = t.parts;
	return 0;
}

/* tell_outcomes tells all ways in which requests ended. */
SEC("syscall")
int tell_outcomes(struct request *r)
{
	struct telling t = {};

	bpf_for_each_map_elem(&outcomes, tell_outcome, &t, 0);
	r->told = t.told;
	return 0;
}
