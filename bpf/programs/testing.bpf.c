// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Wrappers through which the tests run what the programs are made of, and the
 * fault that they inject. Nothing of this is part of the sensor. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "probe.h"

/* What the kernel is told; it knows no name for the choice above. */
char LICENSE[] SEC("license") = "GPL";

#define BATCH 16

/* Verdicts of a program on the traffic control hook. */
#define TCX_NEXT -1
#define TCX_DROP 2

struct bucket_test {
	__u64 ns[BATCH];
	__u32 slot[BATCH];
};

struct record_test {
	__u64 word[3];
	__u64 outcome;
	__u64 duration;
	__u64 upstream;
	__u64 request_bytes;
	__u64 response_bytes;
	__u32 series;
	__u32 backend;
	__u32 class;
	__u32 form;
};

const struct bucket_test *unused_bucket_test __attribute__((unused));
const struct record_test *unused_record_test __attribute__((unused));

SEC("syscall")
int test_bucket(struct bucket_test *ctx)
{
	/* The verifier takes a context's fields only at constant offsets. */
#pragma unroll
	for (int i = 0; i < BATCH; i++)
		ctx->slot[i] = bucket_of(ctx->ns[i]);
	return 0;
}

SEC("syscall")
int test_record(struct record_test *ctx)
{
	ctx->outcome = outcome_of(ctx->word[0]);
	ctx->duration = time_of(ctx->word[1]);
	ctx->upstream = time_of(ctx->word[2]);
	ctx->request_bytes = bytes_of(ctx->word[2]);
	ctx->response_bytes = bytes_of(ctx->word[1]);
	ctx->series = series_of(ctx->outcome);
	ctx->backend = backend_of(ctx->outcome);
	ctx->class = class_of(ctx->outcome);
	ctx->form = form_of(ctx->word[0]);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} large_packets SEC(".maps");

/* drop_some loses every 25th packet that carries data. */
SEC("tcx/egress")
int drop_some(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&large_packets, &zero);

	if (skb->len <= 200 || !n)
		return TCX_NEXT;
	return __sync_fetch_and_add(n, 1) % 25 == 24 ? TCX_DROP : TCX_NEXT;
}
