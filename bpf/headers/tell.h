/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling what was counted. The kernel copies an entry of a map twice for who
 * reads it, and locks each bucket of the map's. A cell is two kilobytes, most of
 * them buckets that nothing has fallen into, and an outcome is two words: so
 * programs leave out what is zero, and the reader finds the rest in memory that
 * it shares with them.
 */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "probe.h"

#define PART_WORDS 13
#define CELL_WORDS (sizeof(struct cell) / sizeof(__u64))
#define CELL_PARTS (CELL_WORDS / PART_WORDS)

_Static_assert(CELL_WORDS % PART_WORDS == 0, "a cell is no whole number of parts");

/* How many cells are asked for at once, and what room there is for parts. */
#define MAX_ASKED 256
#define MAX_PARTS 1024

/* part is words of a cell, of which at least one is not zero. */
struct part {
	__u32 id;
	__u32 place; /* of the first */
	__u64 word[PART_WORDS];
};

/* request is how many cells are asked for, of which map. The program answers how
 * many of them it has told, and in how many parts. */
struct request {
	__u32 backends;
	__u32 asked;
	__u32 told;
	__u32 parts;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_ASKED);
	__type(key, __u32);
	__type(value, __u64); /* elements are as far apart as these */
} asked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_PARTS);
	__type(key, __u32);
	__type(value, struct part);
} parts SEC(".maps");

/* ending is an outcome with the number of requests that ended so. */
struct ending {
	__u64 outcome;
	__u64 times;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_OUTCOMES);
	__type(key, __u32);
	__type(value, struct ending);
} endings SEC(".maps");

/* telling is how far a program has come. */
struct telling {
	__u32 told;
	__u32 parts;
};

static __always_inline void tell_part(struct telling *t, __u32 id, const __u64 *cell, __u32 place)
{
	__u32 next = t->parts;
	__u64 any = 0;
	struct part *p;

#pragma unroll
	for (int i = 0; i < PART_WORDS; i++)
		any |= cell[place + i];
	if (!any)
		return;
	p = bpf_map_lookup_elem(&parts, &next);
	if (!p)
		return;
	p->id = id;
	p->place = place;
#pragma unroll
	for (int i = 0; i < PART_WORDS; i++)
		p->word[i] = cell[place + i];
	t->parts = next + 1;
}

static __always_inline void tell_cell(struct telling *t, __u32 id, const struct cell *c)
{
#pragma clang loop unroll(disable)
	for (__u32 place = 0; place < CELL_WORDS; place += PART_WORDS)
		tell_part(t, id, (const __u64 *)c, place);
}

/* tell_next tells the cell that is asked for in place i, and says whether to end,
 * as the next one might find no room. */
static __always_inline long tell_next(void *map, __u32 i, struct telling *t)
{
	__u64 *at = bpf_map_lookup_elem(&asked, &i);
	struct cell *c;
	__u32 id;

	if (!at || t->parts > MAX_PARTS - CELL_PARTS)
		return 1;
	id = *at;
	c = bpf_map_lookup_elem(map, &id);
	if (c)
		tell_cell(t, id, c);
	t->told = i + 1;
	return 0;
}

/* tell_outcome tells the next outcome of the map. */
static long tell_outcome(void *map, const __u64 *outcome, const __u64 *times, struct telling *t)
{
	__u32 next = t->told;
	struct ending *e;

	if (!*times)
		return 0;
	e = bpf_map_lookup_elem(&endings, &next);
	if (!e)
		return 1;
	e->outcome = *outcome;
	e->times = *times;
	t->told = next + 1;
	return 0;
}
