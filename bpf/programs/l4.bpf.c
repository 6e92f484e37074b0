// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Connections of one cgroup's sockets. What is known of a socket lives in its
 * own storage and goes with it; what is counted goes to the flow of its side
 * and of its backend (upstream) or local port (downstream).
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "conn.h"
#include "flow.h"
#include "kernel.h"
#include "socket.h"

/* What the kernel is told; it knows no name for the choice above. */
char LICENSE[] SEC("license") = "GPL";

#define AF_INET 2
#define MAX_ENDPOINTS 65536

/* Errors of a socket, the same on all architectures that we build for. */
#define EPIPE 32
#define ENETUNREACH 101
#define ECONNRESET 104
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EHOSTUNREACH 113

/* endpoint is an address and port of a backend; IPv4 is written v4-mapped. */
struct endpoint {
	__be32 addr[4];
	__be16 port;
	__u16 reserved;
};

/* For the loader, which takes these from the type information. */
const enum side *unused_side __attribute__((unused));
const enum close_reason *unused_close_reason __attribute__((unused));
const enum failure_reason *unused_failure_reason __attribute__((unused));
const struct socket_facts *unused_socket_facts __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_ENDPOINTS);
	__type(key, struct endpoint);
	__type(value, __u32);
} endpoints SEC(".maps");

static __always_inline __u32 backend_of(struct bpf_sock_ops *ctx)
{
	/* The verifier takes a context's fields only at constant offsets. Were
	 * this loaded below, the compiler would choose between two offsets
	 * instead of between two loads. */
	__be32 ip4 = *(volatile __u32 *)&ctx->remote_ip4;
	struct endpoint e = {};
	__u32 *id;

	if (ctx->family == AF_INET) {
		e.addr[2] = bpf_htonl(0xffff);
		e.addr[3] = ip4;
	} else {
		e.addr[0] = ctx->remote_ip6[0];
		e.addr[1] = ctx->remote_ip6[1];
		e.addr[2] = ctx->remote_ip6[2];
		e.addr[3] = ctx->remote_ip6[3];
	}
	e.port = bpf_htons(bpf_ntohl(ctx->remote_port));
	id = bpf_map_lookup_elem(&endpoints, &e);
	return id ? *id : 0;
}

static __always_inline void watch(struct bpf_sock_ops *ctx)
{
	bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RETRANS_CB_FLAG);
}

static __always_inline void connecting(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct conn *c = conn_of(sk, BPF_SK_STORAGE_GET_F_CREATE);

	if (!c)
		return;
	c->start = bpf_ktime_get_ns();
	c->flow.side = SIDE_UPSTREAM;
	c->flow.id = backend_of(ctx);
	/* Before the handshake, so that one that fails is seen as well. */
	watch(ctx);
}

static __always_inline void connected(struct bpf_sock *sk)
{
	struct conn *c = conn_of(sk, 0);
	struct flow *f;

	if (!c)
		return;
	c->established = bpf_ktime_get_ns();
	c->wait = c->established - c->start;
	f = flow_of(&c->flow);
	if (!f)
		return;
	__sync_fetch_and_add(&f->opened, 1);
	observe(&f->wait, c->wait);
}

static __always_inline void arrived(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct conn *c = conn_of(sk, BPF_SK_STORAGE_GET_F_CREATE);
	struct flow *f;

	if (!c)
		return;
	c->established = bpf_ktime_get_ns();
	c->flow.side = SIDE_DOWNSTREAM;
	c->flow.id = ctx->local_port;
	watch(ctx);
	f = flow_of(&c->flow);
	if (f)
		__sync_fetch_and_add(&f->opened, 1);
}

static __always_inline void retransmitted(struct bpf_sock *sk, __u32 segments)
{
	struct conn *c = conn_of(sk, 0);
	struct flow *f = c ? flow_of(&c->flow) : NULL;

	if (f)
		__sync_fetch_and_add(&f->retransmitted, segments);
}

static __always_inline enum failure_reason failure_of(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return FAILURE_REFUSED;
	case 0: /* closed by ourselves while waiting for the answer */
	case ETIMEDOUT:
		return FAILURE_TIMEOUT;
	case ENETUNREACH:
	case EHOSTUNREACH:
		return FAILURE_UNREACHABLE;
	}
	return FAILURE_OTHER;
}

/* close_of tells why an established connection went away. A negative err says
 * that the socket's error could not be read. */
static __always_inline enum close_reason close_of(int err, __u32 state)
{
	if (err == ECONNRESET || err == EPIPE)
		return CLOSE_RESET_RECEIVED;
	if (err == ETIMEDOUT)
		return CLOSE_TIMEOUT;
	if (state == BPF_TCP_ESTABLISHED || state == BPF_TCP_CLOSE_WAIT)
		return err < 0 ? CLOSE_RESET : CLOSE_RESET_SENT;
	return CLOSE_FIN;
}

static __always_inline void closed(struct bpf_sock_ops *ctx, struct conn *c, int err)
{
	struct flow *f = flow_of(&c->flow);

	if (!f)
		return;
	if (!c->established) {
		enum failure_reason why = err < 0 ? FAILURE_OTHER : failure_of(err);

		if (why < FAILURE_REASONS)
			__sync_fetch_and_add(&f->failed[why], 1);
		return;
	}
	enum close_reason why = close_of(err, ctx->args[0]);

	if (why < CLOSE_REASONS)
		__sync_fetch_and_add(&f->closed[why], 1);
	transferred(f, c, payload_received(ctx, c), payload_transmitted(ctx, c, err));
	observe(&f->lifetime, bpf_ktime_get_ns() - c->established);
	if (ctx->srtt_us)
		observe(&f->rtt, (__u64)(ctx->srtt_us >> 3) * 1000);
}

static __always_inline int socket_error(struct bpf_sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	return tp ? tp->inet_conn.icsk_inet.sk.sk_err : 0;
}

static __always_inline void changed(struct bpf_sock_ops *ctx, struct bpf_sock *sk, bool with_error)
{
	struct conn *c = conn_of(sk, 0);

	if (!c)
		return;
	switch (ctx->args[1]) {
	case BPF_TCP_CLOSE_WAIT:
	case BPF_TCP_CLOSING:
		c->fin_received = 1;
		break;
	case BPF_TCP_FIN_WAIT2:
		c->received_at_fin_wait = ctx->bytes_received;
		break;
	case BPF_TCP_CLOSE:
		closed(ctx, c, with_error ? socket_error(sk) : -1);
	}
}

static __always_inline int dispatch(struct bpf_sock_ops *ctx, bool with_error)
{
	struct bpf_sock *sk = ctx->sk;

	if (!sk)
		return 1;
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		connecting(ctx, sk);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		connected(sk);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		arrived(ctx, sk);
		break;
	case BPF_SOCK_OPS_RETRANS_CB:
		retransmitted(sk, ctx->args[1]);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		changed(ctx, sk, with_error);
	}
	return 1;
}

SEC("sockops")
int socket_events(struct bpf_sock_ops *ctx)
{
	return dispatch(ctx, true);
}

/* socket_events_basic does without the socket's error, and so without BTF and
 * CAP_PERFMON: it cannot tell who reset a connection or why one failed. */
SEC("sockops")
int socket_events_basic(struct bpf_sock_ops *ctx)
{
	return dispatch(ctx, false);
}

/* first_option takes the first option that is set on a connection for its
 * acceptance: servers turn on TCP_NODELAY as soon as accept returns, and no
 * hook on accept itself can be had without kprobes. */
SEC("cgroup/setsockopt")
int first_option(struct bpf_sockopt *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct conn *c;
	struct flow *f;

	if (!sk)
		return 1;
	c = conn_of(sk, 0);
	if (!c || c->accepted || !c->established || c->flow.side != SIDE_DOWNSTREAM)
		return 1;
	c->accepted = 1;
	c->wait = bpf_ktime_get_ns() - c->established;
	f = flow_of(&c->flow);
	if (f)
		observe(&f->wait, c->wait);
	return 1;
}

/* tell answers the proxy's question of what is known of one of its sockets: an
 * option of a level that the kernel does not know, and refuses by itself. */
SEC("cgroup/getsockopt")
int tell(struct bpf_sockopt *ctx)
{
	struct socket_facts *facts = ctx->optval;
	struct bpf_sock *sk = ctx->sk;
	struct conn *c;

	if (ctx->level != SOCKET_LEVEL || ctx->optname != SOCKET_FACTS || !sk)
		return 1;
	if ((void *)(facts + 1) > ctx->optval_end)
		return 1;
	c = conn_of(sk, 0);
	if (!c || !c->established)
		return 1;
	facts->wait = c->wait;
	facts->age = bpf_ktime_get_ns() - c->established;
	/* The verifier takes them one at a time only, and the compiler would
	 * write both at once. */
	*(volatile __s32 *)&ctx->optlen = sizeof(*facts);
	*(volatile __s32 *)&ctx->retval = 0;
	return 1;
}

/* live_sockets adds what has gone over connections that have not ended. The
 * kernel calls it for each socket of the reader's network namespace, locked;
 * those of others have no storage. */
SEC("iter/tcp")
int live_sockets(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct tcp_sock *tp;
	struct conn *c;
	struct flow *f;
	__u64 received, transmitted;
	__u8 state;

	if (!skc)
		return 0;
	tp = bpf_skc_to_tcp_sock(skc);
	if (!tp)
		return 0;
	c = bpf_sk_storage_get(&conns, tp, NULL, 0);
	if (!c || !c->established)
		return 0;
	/* Later states are short, or known only when they have ended. */
	state = skc->skc_state;
	if (state != BPF_TCP_ESTABLISHED && state != BPF_TCP_CLOSE_WAIT)
		return 0;
	f = flow_of(&c->flow);
	if (!f)
		return 0;
	received = tp->bytes_received;
	if (c->fin_received && received)
		received--;
	transmitted = tp->bytes_acked;
	if (c->flow.side == SIDE_UPSTREAM && transmitted)
		transmitted--;
	transferred(f, c, received, transmitted);
	return 0;
}
