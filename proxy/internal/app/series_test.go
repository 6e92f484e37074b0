package app

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// What is told of Go and of the process is no more than is set aside for it.
func TestRuntimeSeriesAreFew(t *testing.T) {
	r := prometheus.NewRegistry()
	r.MustRegister(runtimeCollectors()...)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := 0
	for _, family := range families {
		for _, m := range family.Metric {
			series++
			if s := m.Summary; s != nil {
				series += len(s.Quantile) + 1
			}
		}
	}
	if series > runtimeSeries || series < runtimeSeries/2 {
		t.Errorf("got %d series, want %d at most and not far from it", series, runtimeSeries)
	}
}
