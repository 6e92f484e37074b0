/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record that the proxy's probe carries in registers, and what is counted
 * of it. api/probe/v1 has the same in Go; a test compares the two.
 */
#pragma once

#include "histogram.h"

#define PROBE_ABI 1
/* Identifiers of series and backends are below this; zero is the overflow. */
#define MAX_SERIES 4096
#define MAX_OUTCOMES 16384

enum code_class {
	CLASS_2XX,
	CLASS_OTHER,
	CLASSES,
};

/* cell is what is kept of one series, and of one backend; bytes are counted
 * for series only. */
struct cell {
	__u64 request_bytes;
	__u64 response_bytes;
	struct durations class[CLASSES];
};

/* The first register: series 24 bits, status 10, method 4, protocol 3,
 * flags 8, gRPC 5, reserved 6, ABI 4. The last: backend 24, attempts 8. */
static __always_inline __u32 bounded(__u64 id)
{
	id &= (1 << 24) - 1;
	return id < MAX_SERIES ? id : 0;
}

static __always_inline __u32 abi_of(__u64 meta)
{
	return meta >> 60;
}

static __always_inline enum code_class class_of(__u64 meta)
{
	__u32 status = (meta >> 24) & ((1 << 10) - 1);

	return status / 100 == 2 ? CLASS_2XX : CLASS_OTHER;
}

/* outcome_of names a way for a request to end: series 12 bits, backend 12,
 * then status, method, protocol, flags and gRPC as in the record; never zero. */
static __always_inline __u64 outcome_of(__u64 meta, __u64 extra)
{
	__u64 how = meta & ((1ULL << 54) - (1ULL << 24));

	return 1ULL << 63 | how | (__u64)bounded(extra) << 12 | bounded(meta);
}
