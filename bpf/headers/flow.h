/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of connections: a flow for each side and backend (upstream) or
 * local port (downstream). */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "histogram.h"

#define MAX_FLOWS 8192

enum side {
	SIDE_DOWNSTREAM,
	SIDE_UPSTREAM,
};

enum close_reason {
	CLOSE_FIN,
	CLOSE_RESET_RECEIVED,
	CLOSE_RESET_SENT,
	CLOSE_TIMEOUT,
	CLOSE_RESET, /* by whom is not known */
	CLOSE_REASONS,
};

enum failure_reason {
	FAILURE_REFUSED,
	FAILURE_TIMEOUT,
	FAILURE_UNREACHABLE,
	FAILURE_OTHER,
	FAILURE_REASONS,
};

struct flow_key {
	__u32 side;
	__u32 id; /* upstream: backend, zero when unknown; downstream: local port */
};

struct flow {
	__u64 opened;
	__u64 closed[CLOSE_REASONS];
	__u64 failed[FAILURE_REASONS];
	__u64 received;
	__u64 transmitted;
	__u64 retransmitted;
	struct durations wait; /* upstream: connect; downstream: accept queue */
	struct durations rtt;
	struct durations lifetime;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_FLOWS);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

/* A flow is larger than the stack; new ones are copied from this. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow);
} blank SEC(".maps");

/* Events that found the flows full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} overflows SEC(".maps");

static __always_inline struct flow *flow_of(struct flow_key *key)
{
	struct flow *f = bpf_map_lookup_elem(&flows, key);
	struct flow *empty;
	__u32 zero = 0;
	__u64 *lost;

	if (f)
		return f;
	empty = bpf_map_lookup_elem(&blank, &zero);
	if (!empty)
		return NULL;
	bpf_map_update_elem(&flows, key, empty, BPF_NOEXIST);
	f = bpf_map_lookup_elem(&flows, key);
	if (f)
		return f;
	lost = bpf_map_lookup_elem(&overflows, &zero);
	if (lost)
		__sync_fetch_and_add(lost, 1);
	/* The loader creates flow zero of both sides. */
	key->id = 0;
	return bpf_map_lookup_elem(&flows, key);
}
