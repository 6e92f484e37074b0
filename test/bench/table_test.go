package main

import (
	"slices"
	"strings"
	"testing"
)

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
	got := cpuRatio(samplesOf(8, 16, 80), samplesOf(10, 20, 100))
	if want := (spread{0.8, 0.8, 0.8}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name     string
		measured spread
		want     string
	}{
		{"below in all rounds", spread{0.8, 0.7, 0.84}, "met"},
		{"at the bar", spread{0.85, 0.85, 0.85}, "met"},
		{"above in one round", spread{0.8, 0.7, 0.9}, "met, not in every round"},
		{"below in one round", spread{0.9, 0.8, 1}, "missed, not in every round"},
		{"above in all rounds", spread{0.9, 0.86, 1}, "**missed**"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := judged{bar{small64, nameNginx, 0.85}, test.measured}
			if got := j.verdict(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestBarsOfEnginesThatDidNotRunAreLeftOut(t *testing.T) {
	r := results{
		small64:    {nameFleetgate: samplesOf(11), nameNginx: samplesOf(16)},
		idleMemory: {nameFleetgate: samplesOf(220)},
	}
	want := [][]string{
		{small64, "≤ 0.85 × nginx", "0.69 (0.69..0.69)", "met"},
		{idleMemory, "≤ 512 bytes", "220 (220..220)", "met"},
	}
	if got := barsTable(r).rows; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEveryBarNamesAWorkloadAndAnEngine(t *testing.T) {
	names := []string{idleMemory}
	for _, w := range workloads() {
		names = append(names, w.name)
	}
	peers := []string{""}
	for _, e := range engines("", []string{nameNginx, nameHAProxy, nameForwarder, nameFasthttp, nameNetHTTP, nameCaddy}) {
		peers = append(peers, e.name)
	}
	for _, b := range bars() {
		if !slices.Contains(names, b.workload) || !slices.Contains(peers, b.peer) {
			t.Errorf("bar %+v can never be judged", b)
		}
	}
}

func TestWorkloadTableRanksAndAligns(t *testing.T) {
	r := results{small64: {nameFleetgate: samplesOf(10, 12, 11), nameNginx: samplesOf(20, 24, 22)}}
	r[small64][nameNginx][1].errors = 4
	got := workloadTable(workload{name: small64}, r).markdown()
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

func TestTheDocumentSaysWhatIsMissing(t *testing.T) {
	r := results{small64: {nameFleetgate: samplesOf(11)}}
	got := tablesOf(options{idle: 5}, &facts{Missing: []string{"Caddy: no network"}}, r)
	for _, want := range []string{"## The bars\n", "Caddy: no network", "of 5\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}
