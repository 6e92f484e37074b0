package probe

import (
	"math/bits"
	"sync/atomic"
)

// Buckets is the number of buckets of a histogram of durations. Bucket i holds
// what is longer than 2^((i-80)/4) seconds and not longer than 2^((i-79)/4):
// the buckets of a Prometheus native histogram of schema 2, from 2^-20 s
// (just under a microsecond) to 2^12 s. The first also holds all that is
// shorter, the last all that is longer.
const Buckets = 128

const (
	// scale turns nanoseconds into units of 2^-30 s: ns + ns*scale/2^30.
	scale = 79179681
	// longest keeps the arithmetic within 64 bits; it is past the last bucket.
	longest = 1 << 42
	// quarter1 to quarter3 are 2^20 times 2^(1/4), 2^(2/4) and 2^(3/4).
	quarter1, quarter2, quarter3 = 1246975, 1482911, 1763488
)

// BucketOf returns the bucket of a duration in nanoseconds. It is the same
// computation as bucket_of in bpf/headers/histogram.h, which explains it.
func BucketOf(ns uint64) int {
	ns = min(ns, longest)
	v := ns + (ns>>30)*scale + (ns&(1<<30-1))*scale>>30
	if v <= 1<<10 {
		return 0
	}
	v--
	k := bits.Len64(v) - 1
	slot := 4 * (k - 10)
	switch m := v << (63 - k) >> 43; {
	case m >= quarter3:
		slot += 3
	case m >= quarter2:
		slot += 2
	case m >= quarter1:
		slot++
	}
	return min(slot, Buckets-1)
}

// Durations is a histogram. The number of observations is the sum of its
// buckets, so that the two can never disagree.
type Durations struct {
	// Sum is in nanoseconds.
	Sum    uint64
	Bucket [Buckets]uint64
}

// Observe adds one duration in nanoseconds. It is safe for concurrent use.
func (d *Durations) Observe(ns uint64) {
	atomic.AddUint64(&d.Sum, ns)
	d.count(ns)
}

// count adds a duration to its bucket alone.
func (d *Durations) count(ns uint64) { atomic.AddUint64(&d.Bucket[BucketOf(ns)], 1) }

// Count returns the number of observations.
func (d *Durations) Count() uint64 {
	var n uint64
	for i := range d.Bucket {
		n += d.Bucket[i]
	}
	return n
}

// Merge adds the observations of other.
func (d *Durations) Merge(other *Durations) {
	d.Sum += other.Sum
	for i := range d.Bucket {
		d.Bucket[i] += other.Bucket[i]
	}
}

// Schema is that of the native histogram whose buckets these are, and firstNative the
// index that the first of them has there.
const (
	Schema      = 2
	firstNative = -79
)

// Span is a run of buckets that are not empty. Offset is how many are left out before
// it; of the first span it is the index of its first bucket.
type Span struct {
	Offset int32
	Length uint32
}

// Native returns the observations as a Prometheus native histogram of Schema has them:
// the runs of buckets that are not empty, and what is in each as the difference from
// the one before. There is always a span, as one without length tells an empty native
// histogram from none.
func (d *Durations) Native() (spans []Span, deltas []int64) {
	var last int64
	end := int32(0) // index behind the last span
	within := false
	for slot := range d.Bucket {
		n := d.Bucket[slot]
		if n == 0 {
			within = false
			continue
		}
		index := int32(slot + firstNative)
		if !within {
			spans = append(spans, Span{Offset: index - end})
			within = true
		}
		spans[len(spans)-1].Length++
		end = index + 1
		deltas = append(deltas, int64(n)-last)
		last = int64(n)
	}
	if spans == nil {
		spans = []Span{{}}
	}
	return spans, deltas
}
