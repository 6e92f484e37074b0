package main

import (
	"slices"
	"testing"
)

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
			j := judged{bar: bar{small64, cpuPerRequest, nameNginx, 0.85}, measured: test.measured, ran: true}
			if got := j.verdict(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestBarRows(t *testing.T) {
	f := newFindings()
	f.rounds[turned] = results{
		small64: {nameFleetgate: samplesOf(11, 12), nameNginx: samplesOf(16, 16), nameHAProxy: samplesOf(16)},
		bulk:    {nameFleetgate: {{cpu: 0.1, machine: 0.3}}, nameNginx: {{cpu: 0.1, machine: 0.6}}},
	}
	f.rounds[steady] = results{
		tailSlow:  {nameFleetgate: {{p99: 300}, {p99: 1, errors: 1}}, nameNginx: {{p99: 200}, {p99: 200}}},
		tailFast:  {nameFleetgate: {{p99: 100}}, nameNginx: {{p99: 200, errors: 1}}},
		idlePlain: {nameFleetgate: {{bytes: 220, units: 6000}}},
	}
	f.rounds[counted] = results{small64: {nameFleetgate: {{systemCalls: 4.5, units: 2e6}}}}
	tests := []struct {
		bar  bar
		want []string
	}{
		{bar{small64, cpuPerRequest, nameNginx, 0.85}, []string{small64, "≤ 0.85 × nginx", "0.72 (0.69..0.75)", "met"}},
		{bar{small64, cpuPerRequest, nameHAProxy, 0.75}, []string{small64, "≤ 0.75 × HAProxy", "-", "not measured"}},
		{bar{tailSlow, p99, nameNginx, 1.1}, []string{tailSlow + ": p99", "≤ 1.1 × nginx", "1.50 (1.50..1.50)", "**missed**; rounds void for errors: 1"}},
		{bar{tailFast, p99, nameNginx, 1.1}, []string{tailFast + ": p99", "≤ 1.1 × nginx", "-", "void: errors in each round"}},
		{bar{bulk, machinePerGB, nameNginx, 0.75}, []string{bulk, "≤ 0.75 × nginx", "0.50 (0.50..0.50)", "met"}},
		{bar{idlePlain, connectionSize, "", 512}, []string{idlePlain, "≤ 512 bytes", "220 (220..220)", "met"}},
		{bar{small64, allocations, "", none}, []string{small64 + ": allocations", "none", "0.00 (0.00..0.00)", "met"}},
		{bar{small64, systemCalls, "", 4.2}, []string{small64 + ": system calls", "≤ 4.2 per request", "4.50 (4.50..4.50)", "**missed**"}},
	}
	for _, test := range tests {
		if got := f.judge(test.bar).row(); !slices.Equal(got, test.want) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// What cannot be told must not be judged, and a bar is not met by not looking.
func TestVerdictsWithinWhatCanBeTold(t *testing.T) {
	tests := []struct {
		bar  bar
		of   sample
		want string
	}{
		{bar{small64, allocations, "", none}, sample{units: 1e6}, "met"},
		{bar{small64, allocations, "", none}, sample{allocations: 0.006, units: 1e6}, "**missed**"},
		{bar{small64, allocations, "", none}, sample{units: 1e5}, "not decided: what can be told is 0.050"},
		{bar{small64, systemCalls, "", 4.2}, sample{systemCalls: 4.17}, "met"},
		{bar{small64, systemCalls, "", 4.2}, sample{systemCalls: 4.21}, "not decided: what can be told is 0.020"},
		{bar{small64, systemCalls, "", 4.2}, sample{systemCalls: 4.23}, "**missed**"},
		{bar{idlePlain, connectionSize, "", 512}, sample{bytes: 300, units: 6000}, "met"},
		{bar{idlePlain, connectionSize, "", 512}, sample{bytes: 400, units: 6000}, "not decided: what can be told is 174.8"},
	}
	for _, test := range tests {
		f := newFindings()
		f.of(test.bar.figure)[test.bar.workload] = map[string][]sample{nameFleetgate: {test.of}}
		if got := f.judge(test.bar).verdict(); got != test.want {
			t.Errorf("%s of %+v: got %q, want %q", test.bar.figure.name, test.of, got, test.want)
		}
	}
}

// A typing mistake in a name would leave its bar unjudged for ever.
func TestEveryBarNamesAWorkloadAndAnEngineThatTakesPart(t *testing.T) {
	all := map[string]workload{}
	for _, w := range workloads() {
		all[w.name] = w
	}
	for _, w := range (options{}).idleWorkloads() {
		all[w.name] = workload{front: w.front, engines: w.engines}
	}
	takesPart := func(w workload, name string) bool {
		i := slices.IndexFunc(engines(append(allPeers, nameFleetgate)), func(e engine) bool { return e.name == name })
		return i >= 0 && w.asks(engines(append(allPeers, nameFleetgate))[i])
	}
	for _, b := range bars() {
		w, ok := all[b.workload]
		if !ok || !takesPart(w, nameFleetgate) || b.peer != "" && !takesPart(w, b.peer) {
			t.Errorf("bar on %q beside %q can never be judged", b.workload, b.peer)
		}
	}
}
