package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// histogram is the durations of a listener's requests, with OpenTelemetry's buckets
// and with native ones; the format of the scrape decides which are seen.
type histogram struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	lasted lasted
}

func newHistogram(d *lasted, listener string) prometheus.Metric {
	desc := requestDuration.desc()
	return &histogram{desc, prometheus.MakeLabelPairs(desc, []string{listener}), *d}
}

// Desc implements prometheus.Metric.
func (h *histogram) Desc() *prometheus.Desc { return h.desc }

// Write implements prometheus.Metric.
func (h *histogram) Write(out *dto.Metric) error {
	out.Label = h.labels
	out.Histogram = &dto.Histogram{
		SampleCount:   new(h.lasted.requests()),
		SampleSum:     new(float64(h.lasted.native.Sum) / 1e9),
		Schema:        new(int32(probe.Schema)),
		ZeroThreshold: new(prometheus.DefNativeHistogramZeroThreshold),
		ZeroCount:     new(uint64(0)),
	}
	var below uint64
	for i, bound := range bounds() {
		below += h.lasted.classic[i]
		out.Histogram.Bucket = append(out.Histogram.Bucket, &dto.Bucket{CumulativeCount: new(below), UpperBound: new(bound.Seconds())})
	}
	spans, deltas := h.lasted.native.Native()
	for _, s := range spans {
		out.Histogram.PositiveSpan = append(out.Histogram.PositiveSpan, &dto.BucketSpan{Offset: new(s.Offset), Length: new(s.Length)})
	}
	out.Histogram.PositiveDelta = deltas
	return nil
}
