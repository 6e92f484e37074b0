package main

import (
	"strings"
	"testing"
)

func TestTwoRunsAgreeWhereTheirRoundsOverlap(t *testing.T) {
	tests := []struct {
		a, b  spread
		grain float64
		want  bool
	}{
		{spread{0.8, 0.7, 0.9}, spread{0.85, 0.82, 0.95}, 0, true},
		{spread{0.8, 0.7, 0.9}, spread{0.95, 0.9, 1}, 0, true},
		{spread{0.8, 0.7, 0.9}, spread{0.95, 0.91, 1}, 0, false},
		{spread{0.95, 0.91, 1}, spread{0.8, 0.7, 0.9}, 0, false},
		{spread{4.08, 4.08, 4.08}, spread{4.09, 4.09, 4.09}, 0.02, true},
		{spread{4.12, 4.12, 4.12}, spread{4.09, 4.09, 4.09}, 0.02, false},
	}
	for _, test := range tests {
		if got := agree(test.a, test.b, test.grain); got != test.want {
			t.Errorf("agree(%v, %v, %v) = %v", test.a, test.b, test.grain, got)
		}
	}
}

func TestTheSecondRunStandsBesideTheFirst(t *testing.T) {
	one, two := newFindings(), newFindings()
	one.rounds[turned] = results{small64: {nameFleetgate: samplesOf(8, 9), nameNginx: samplesOf(10, 10), nameHAProxy: samplesOf(10, 10), nameForwarder: samplesOf(8, 9)}}
	two.rounds[turned] = results{small64: {nameFleetgate: samplesOf(8.5, 9.5), nameNginx: samplesOf(10, 10), nameHAProxy: samplesOf(20, 20), nameForwarder: samplesOf(8.5*0.995, 9.5*0.995)}}
	one.rounds[counted] = results{small64: {nameFleetgate: {{systemCalls: 4.08}}}}
	two.rounds[counted] = results{small64: {nameFleetgate: {{systemCalls: 4.09}}}}
	got := again{one, two}.table(options{}).markdown()
	got = strings.Join(strings.Fields(got), " ")
	for _, want := range []string{
		"## The same again: 4 of 5 figures agree within their noise",
		"| ≤ 0.85 × nginx | 0.85 (0.80..0.90) | 0.90 (0.85..0.95) | overlap |",
		"| ≤ 0.75 × HAProxy | 0.85 (0.80..0.90) | 0.45 (0.42..0.47) | differ |",
		"| ≤ 1.35 × C forwarder | 1.00 (1.00..1.00) | 1.01 (1.01..1.01) | as near as can be told |",
		"| ≤ 4.2 per request | 4.08 (4.08..4.08) | 4.09 (4.09..4.09) | as near as can be told |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}
