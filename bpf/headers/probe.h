/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records that the proxy's probe carries in registers, and what is counted
 * of them. api/probe/v1 has the same in Go; a test compares the two.
 */
#pragma once

#include "histogram.h"

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

/* The forms of a record: the highest four bits of its first register. Zero is
 * none. A brief one takes three registers, a long one five. */
enum form {
	FORM_BRIEF = 2,
	FORM_LONG = 3,
};

static __always_inline __u32 form_of(__u64 what)
{
	return what >> 60;
}

/* outcome_of names a way for a request to end: series 12 bits, backend 12,
 * status 10, method 4, protocol 3, flags 8, gRPC 5; never zero. */
static __always_inline __u64 outcome_of(__u64 what)
{
	return 1ULL << 63 | (what & ((1ULL << 54) - 1));
}

static __always_inline __u32 series_of(__u64 outcome)
{
	return outcome & (MAX_SERIES - 1);
}

static __always_inline __u32 backend_of(__u64 outcome)
{
	return (outcome >> 12) & (MAX_SERIES - 1);
}

static __always_inline enum code_class class_of(__u64 outcome)
{
	__u32 status = (outcome >> 24) & ((1 << 10) - 1);

	return status / 100 == 2 ? CLASS_2XX : CLASS_OTHER;
}

/* In the other two registers of a brief record bytes are above nanoseconds. */
#define TIME_BITS 40

static __always_inline __u64 time_of(__u64 both)
{
	return both & ((1ULL << TIME_BITS) - 1);
}

static __always_inline __u64 bytes_of(__u64 both)
{
	return both >> TIME_BITS;
}
