/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a connection: it lives in the socket's own storage, and goes
 * with it. */
#pragma once

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "flow.h"

struct conn {
	__u64 start;
	__u64 established;
	__u64 wait; /* as the flow has it */
	__u64 received_at_fin_wait;
	/* What the flow has of this connection already. */
	__u64 received;
	__u64 transmitted;
	struct flow_key flow;
	__u8 accepted;
	__u8 fin_received;
	__u8 reserved[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct conn);
} conns SEC(".maps");

static __always_inline struct conn *conn_of(struct bpf_sock *sk, __u64 create)
{
	return bpf_sk_storage_get(&conns, sk, NULL, create);
}

/* payload_received leaves out the sequence number that a FIN takes. */
static __always_inline __u64 payload_received(struct bpf_sock_ops *ctx, struct conn *c)
{
	__u64 n = ctx->bytes_received;
	__u32 state = ctx->args[0];
	bool fin = c->fin_received;

	/* A socket that nobody holds any more leaves FIN_WAIT2 before the
	 * other side's FIN has come; then nothing came in between. */
	if (state == BPF_TCP_FIN_WAIT2)
		fin = n > c->received_at_fin_wait;
	return n - (fin && n ? 1 : 0);
}

/* payload_transmitted leaves out those of our SYN and FIN. The kernel does not
 * count the SYN of a connection that it accepts. */
static __always_inline __u64 payload_transmitted(struct bpf_sock_ops *ctx, struct conn *c, int err)
{
	__u64 n = ctx->bytes_acked;
	__u32 state = ctx->args[0];
	__u64 extra = c->flow.side == SIDE_UPSTREAM;

	if (state == BPF_TCP_FIN_WAIT2 || ((state == BPF_TCP_LAST_ACK || state == BPF_TCP_CLOSING) && err <= 0))
		extra++;
	return n > extra ? n - extra : 0;
}

/* transferred adds what the flow does not have yet. It is called with the
 * socket locked. */
static __always_inline void transferred(struct flow *f, struct conn *c, __u64 received, __u64 transmitted)
{
	if (received > c->received) {
		__sync_fetch_and_add(&f->received, received - c->received);
		c->received = received;
	}
	if (transmitted > c->transmitted) {
		__sync_fetch_and_add(&f->transmitted, transmitted - c->transmitted);
		c->transmitted = transmitted;
	}
}
