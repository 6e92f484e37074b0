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

// Classic buckets cost a time series each, so there are few, for orders of
// magnitude. Native ones have the whole range in steps of 19 %.
var (
	requestBounds    = bounds{-11, 1, 3} // 0.5 ms to 2 s
	connectionBounds = bounds{-12, 0, 4} // 0.24 ms to 1 s
	rttBounds        = bounds{-12, 0, 4} // 0.24 ms to 1 s
	lifetimeBounds   = bounds{-4, 11, 5} // 63 ms to 34 min
)

// series is how many series a histogram takes: its buckets, the last of which has
// no bound, the sum and the count.
func (b bounds) series() int { return (b.high-b.low)/b.step + 4 }

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

// firstOctave is the exponent of the lower bound of the first bucket.
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

// native writes the whole range.
func (h *histogram) native(out *dto.Histogram) {
	out.Schema = new(int32(probe.Schema))
	out.ZeroThreshold = new(prometheus.DefNativeHistogramZeroThreshold)
	out.ZeroCount = new(uint64(0))
	spans, deltas := h.durations.Native()
	for _, s := range spans {
		out.PositiveSpan = append(out.PositiveSpan, &dto.BucketSpan{Offset: new(s.Offset), Length: new(s.Length)})
	}
	out.PositiveDelta = deltas
}
