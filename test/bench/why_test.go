package main

import (
	"strings"
	"testing"
)

func TestMissedBarsHaveTheirReason(t *testing.T) {
	f := newFindings()
	f.rounds[turned] = results{
		small64:   {nameFleetgate: samplesOf(20), nameHAProxy: samplesOf(22), nameForwarder: samplesOf(16.5)},
		bulk:      {nameFleetgate: {{cpu: 0.25, machine: 0.6}}, nameHAProxy: {{cpu: 0.3, machine: 0.5}}},
		keepAlive: {nameFleetgate: samplesOf(5), nameNginx: samplesOf(10)},
	}
	f.rounds[steady] = results{tailSlow: {
		nameFleetgate: {{p50: 50, p99: 300, p999: 400, late: 70}},
		nameNginx:     {{p50: 60, p99: 200, p999: 400, late: 80}},
	}}
	f.rounds[counted] = results{small64: {nameFleetgate: {{kernel: 0.75}}, nameHAProxy: {{kernel: 0.5}}}}
	got := whyMissed(options{}, f)
	for _, want := range []string{
		small64 + ", ≤ 0.75 × HAProxy: of Fleetgate's 20.0 µs the kernel takes 15.0 and the program 5.0; of HAProxy's 22.0 µs the kernel takes 11.0 and the program 11.0. The C forwarder, which parses nothing, is at 0.75 × HAProxy.",
		bulk + ", ≤ 0.65 × HAProxy: of Fleetgate's 0.600 s source and sink take 0.350, and the proxy 0.250; of HAProxy's 0.500 s source and sink take 0.200, and the proxy 0.300.",
		tailSlow + ": p99, ≤ 1.1 × nginx: Fleetgate's 300 µs hold the load generator's own lateness, 70 µs in its 99th percentile; nginx's 200 µs hold",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	for _, not := range []string{keepAlive, "p50", "C forwarder: of"} {
		if strings.Contains(got, not) {
			t.Errorf("%q is in\n%s", not, got)
		}
	}
}
