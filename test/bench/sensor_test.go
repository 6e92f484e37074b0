package main

import (
	"math"
	"testing"
)

func TestParseSensor(t *testing.T) {
	const text = `# HELP fleetgate_sensor_info How requests are counted
fleetgate_sensor_info{kernel="6.18",l4_mode="sockops",l7_mode="uprobe-fast",version="v1"} 1
fleetgate_sensor_hook_attached{hook="request_done"} 1
fleetgate_sensor_dropped_records_total 0
fleetgate_requests_total{code="200",route="a b"} 3
fleetgate_requests_total{code="404",route="c"} 4
`
	got, err := parseSensor(text)
	want := sensorState{greeted: true, attached: true, mode: "uprobe-fast", requests: 7}
	if err != nil || got != want {
		t.Errorf("got %+v and %v, want %+v", got, err, want)
	}
	if got, err = parseSensor("fleetgate_sensor_hook_attached{hook=\"request_done\"} 0\n"); err != nil || got != (sensorState{}) {
		t.Errorf("before a proxy has come: got %+v and %v", got, err)
	}
	if _, err = parseSensor("fleetgate_requests_total{} many\n"); err == nil {
		t.Error("what is no number was taken for one")
	}
}

func TestParseSleeps(t *testing.T) {
	got, err := parseSleeps("Name:\twrk\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t7\n")
	if got != 12 || err != nil {
		t.Errorf("got %d and %v, want 12", got, err)
	}
	if _, err := parseSleeps("nonvoluntary_ctxt_switches:\t7\n"); err == nil {
		t.Error("what does not tell of sleeps was taken for zero")
	}
}

func TestEstimateOf(t *testing.T) {
	got := estimateOf([]float64{1, 2, 3, 4})
	if got.mean != 2.5 || math.Abs(got.err-0.6455) > 1e-4 {
		t.Errorf("got %+v, want 2.5 ± 0.6455", got)
	}
}

func TestSensorVerdicts(t *testing.T) {
	tests := []struct {
		e    estimate
		want string
	}{
		{estimate{0.3, 0.05}, "met"},
		{estimate{0.45, 0.05}, "within the noise"},
		{estimate{0.7, 0.05}, "missed"},
		{estimate{0.3, math.NaN()}, "within the noise"},
	}
	for _, tt := range tests {
		if got := tt.e.verdict(0.5); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.e, got, tt.want)
		}
	}
}

func TestCostTableComparesWithinRounds(t *testing.T) {
	rounds := []round{
		{first: slice{burden: burden{cpu: 10}}, second: slice{burden: burden{cpu: 11}}, uprobe: slice{burden: burden{cpu: 10.75}, mode: "uprobe-fast"}, shared: slice{burden: burden{cpu: 10.5}, mode: "shm"}},
		{first: slice{burden: burden{cpu: 20}}, second: slice{burden: burden{cpu: 19}}, uprobe: slice{burden: burden{cpu: 19.75}, mode: "uprobe-fast"}, shared: slice{burden: burden{cpu: 19.5}, mode: "shm"}},
	}
	rows := costTable(rounds).rows
	for i, want := range []string{"-", "0.000 ± 1.000", "0.250 ± 0.000", "0.000 ± 0.000"} {
		if got := rows[i][2]; got != want {
			t.Errorf("%s: got %q more, want %q", rows[i][0], got, want)
		}
	}
}
