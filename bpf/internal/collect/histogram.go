package collect

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// bounds is the range of classic buckets of a histogram: their upper bounds
// are powers of two, in seconds, whose exponents go from low to high by step.
type bounds struct {
	low, high, step int
}

// Classic buckets cost a time series each, so they cover what is common.
// Native ones have the whole range in steps of 19 %.
var (
	requestBounds    = bounds{-12, 4, 1} // 0.24 ms to 16 s
	connectionBounds = bounds{-16, 1, 1} // 15 us to 2 s
	rttBounds        = bounds{-16, 0, 2} // 15 us to 1 s
	lifetimeBounds   = bounds{-9, 12, 3} // 2 ms to 68 min
)

// histogram is a metric with classic and native buckets; the format of the
// scrape decides which are seen.
type histogram struct {
	desc      *prometheus.Desc
	labels    []*dto.LabelPair
	durations *probe.Durations
	bounds    bounds
}

func newHistogram(desc *prometheus.Desc, b bounds, d *probe.Durations, labels ...string) prometheus.Metric {
	return &histogram{desc, prometheus.MakeLabelPairs(desc, labels), d, b}
}

func (h *histogram) Desc() *prometheus.Desc { return h.desc }

// Write implements prometheus.Metric.
func (h *histogram) Write(out *dto.Metric) error {
	out.Label = h.labels
	out.Histogram = &dto.Histogram{
		SampleCount: new(h.durations.Count()),
		SampleSum:   new(float64(h.durations.Sum) / 1e9),
		Bucket:      h.classic(),
	}
	h.native(out.Histogram)
	return nil
}

// octaveOf is the exponent of the lower bound of the first bucket.
const firstOctave = -20

func (h *histogram) classic() []*dto.Bucket {
	var buckets []*dto.Bucket
	var below uint64
	slot := 0
	for exponent := h.bounds.low; exponent <= h.bounds.high; exponent += h.bounds.step {
		for ; slot < 4*(exponent-firstOctave); slot++ {
			below += h.durations.Bucket[slot]
		}
		buckets = append(buckets, &dto.Bucket{
			CumulativeCount: new(below),
			UpperBound:      new(math.Exp2(float64(exponent))),
		})
	}
	return buckets
}

// The schema of native buckets whose bounds are 2^(i/4), and the index that
// the first of ours has there.
const (
	schema      = 2
	firstNative = 4*firstOctave + 1
)

// native writes spans of buckets that are not empty, each bucket as the
// difference from the one before.
func (h *histogram) native(out *dto.Histogram) {
	out.Schema = new(int32(schema))
	out.ZeroThreshold = new(prometheus.DefNativeHistogramZeroThreshold)
	out.ZeroCount = new(uint64(0))
	var span *dto.BucketSpan
	var last int64
	end := int32(0) // index behind the last span
	for slot, n := range h.durations.Bucket {
		if n == 0 {
			span = nil
			continue
		}
		index := int32(slot + firstNative)
		if span == nil {
			span = &dto.BucketSpan{Offset: new(index - end), Length: new(uint32(0))}
			out.PositiveSpan = append(out.PositiveSpan, span)
		}
		*span.Length++
		end = index + 1
		out.PositiveDelta = append(out.PositiveDelta, int64(n)-last)
		last = int64(n)
	}
	if len(out.PositiveSpan) == 0 {
		// An empty span tells an empty native histogram from none.
		out.PositiveSpan = []*dto.BucketSpan{{Offset: new(int32(0)), Length: new(uint32(0))}}
	}
}
