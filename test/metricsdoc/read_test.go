package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.go")
	source := `package x
var a = Metric{"p_requests_total", "Requests.", prometheus.CounterValue, []string{"route"}}
var b = describe("rtt_seconds", "Round " + "trips.", "side", "backend")
func f() {
	prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "p_level", Help: "Level."}, []string{"pod"})
	prometheus.NewDesc("p_reload_timestamp_seconds", "When.", nil, nil)
	describe("open_rtt_seconds", "Now.", "stat")
	describe(name, help)
	prometheus.NewDesc("p_"+name, help, labels, nil)
	strings.NewReplacer("a", "b")
}`
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []metric{
		{"p_requests_total", "Requests.", "counter", []string{"route"}},
		{"fleetgate_rtt_seconds", "Round trips.", "histogram", []string{"side", "backend"}},
		{"p_level", "Level.", "gauge", []string{"pod"}},
		{"p_reload_timestamp_seconds", "When.", "gauge", nil},
		{"fleetgate_open_rtt_seconds", "Now.", "gauge", []string{"stat"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(metric{})); diff != "" {
		t.Error(diff)
	}
}
