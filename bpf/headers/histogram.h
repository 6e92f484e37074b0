/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact buckets of a Prometheus native histogram of schema 2, computed with
 * integers.
 *
 * Bucket bounds are 2^(i/4) seconds. A duration is first scaled from
 * nanoseconds to units of 2^-30 s, so that whole powers of two of seconds are
 * whole powers of two of the integer; its binary logarithm k is then the
 * octave, and the top 21 bits of its mantissa, compared with 2^20 times
 * 2^(1/4), 2^(2/4) and 2^(3/4), the quarter within it. Upper bounds belong to
 * their bucket, hence the v-1.
 *
 * Example: 1 ms = 1,000,000 ns -> v = 1,073,741 -> k = 20, fourth quarter
 * -> slot 4*(20-10)+3 = 43, which is (2^-9.25 s, 2^-9 s] + 1 step below
 * 1.03 ms; the next power of two, 0.977 ms, is the upper bound of slot 39.
 */
#pragma once

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define BUCKETS 128 /* 32 octaves from 2^-20 s to 2^12 s; a power of two */

/* 2^30/10^9 - 1, times 2^30. */
#define SCALE 79179681ULL
/* Longer durations all end up in the last bucket. */
#define LONGEST (1ULL << 42)

struct durations {
	__u64 sum;
	__u64 bucket[BUCKETS];
};

static __always_inline __u32 log2_of(__u64 v)
{
	__u32 k = 0;

	if (v >> 32) {
		k += 32;
		v >>= 32;
	}
	if (v >> 16) {
		k += 16;
		v >>= 16;
	}
	if (v >> 8) {
		k += 8;
		v >>= 8;
	}
	if (v >> 4) {
		k += 4;
		v >>= 4;
	}
	if (v >> 2) {
		k += 2;
		v >>= 2;
	}
	return k + (v >> 1 ? 1 : 0);
}

/* bucket_of returns the slot of a duration; always below BUCKETS. */
static __always_inline __u32 bucket_of(__u64 ns)
{
	__u64 v, m;
	__u32 k, slot;

	if (ns > LONGEST)
		ns = LONGEST;
	v = ns + (ns >> 30) * SCALE + ((ns & ((1ULL << 30) - 1)) * SCALE >> 30);
	if (v <= 1 << 10)
		return 0;
	v--;
	k = log2_of(v);
	m = (v << (63 - k)) >> 43;
	slot = 4 * (k - 10) + (m >= 1246975) + (m >= 1482911) + (m >= 1763488);
	if (slot >= BUCKETS)
		slot = BUCKETS - 1;
	return slot & (BUCKETS - 1);
}

static __always_inline void observe(struct durations *d, __u64 ns)
{
	__sync_fetch_and_add(&d->sum, ns);
	__sync_fetch_and_add(&d->bucket[bucket_of(ns)], 1);
}
