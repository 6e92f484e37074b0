package main

import "testing"

// samplesOf makes samples from their CPU times.
func samplesOf(cpu ...float64) []sample {
	samples := make([]sample, len(cpu))
	for i, c := range cpu {
		samples[i] = sample{cpu: c, rate: 1000, p50: 1, p99: 2, p999: 3}
	}
	return samples
}

func TestSpreadOf(t *testing.T) {
	tests := []struct {
		values []float64
		want   spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{9, 1, 2}, spread{2, 1, 9}},
		{[]float64{4, 1, 2, 9}, spread{3, 1, 9}},
	}
	for _, test := range tests {
		if got := spreadOf(test.values); got != test.want {
			t.Errorf("spreadOf(%v) = %v, want %v", test.values, got, test.want)
		}
	}
}

// A round in which the machine was slow for both says as much as any other.
func TestRatiosAreTakenWithinRounds(t *testing.T) {
	got := cpuPerRequest.ratio(samplesOf(8, 16, 80), samplesOf(10, 20, 100))
	if want := (spread{0.8, 0.8, 0.8}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWorkloadTableRanksAndAligns(t *testing.T) {
	f := newFindings()
	f.rounds[turned][small64] = map[string][]sample{nameFleetgate: samplesOf(10, 12, 11), nameNginx: samplesOf(20, 24, 22)}
	f.rounds[steady][small64] = map[string][]sample{nameFleetgate: samplesOf(0), nameNginx: samplesOf(0, 0)}
	f.rounds[steady][small64][nameNginx][1].errors = 4
	got := f.tableOf(small64, small64, requestColumns).markdown()
	want := `## 1 KiB, 64 connections

| engine    | CPU µs per request | to nginx | to HAProxy | requests/s | p50 µs | p99 µs | p99.9 µs | errors |
| --------- | ------------------ | -------- | ---------- | ---------- | ------ | ------ | -------- | ------ |
| Fleetgate | 11.0 (10.0..12.0)  | 0.50     | -          | 1000       | 1      | 2      | 3        | 0      |
| nginx     | 22.0 (20.0..24.0)  | 1.00     | -          | 1000       | 1      | 2      | 3        | 4      |
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
