package main

import (
	"strings"
	"testing"
)

func TestTwoRunsAgreeWhereTheirRoundsOverlap(t *testing.T) {
	tests := []struct {
		a, b spread
		want bool
	}{
		{spread{0.8, 0.7, 0.9}, spread{0.85, 0.82, 0.95}, true},
		{spread{0.8, 0.7, 0.9}, spread{0.95, 0.9, 1}, true},
		{spread{0.8, 0.7, 0.9}, spread{0.95, 0.91, 1}, false},
		{spread{0.95, 0.91, 1}, spread{0.8, 0.7, 0.9}, false},
	}
	for _, test := range tests {
		if got := agree(test.a, test.b); got != test.want {
			t.Errorf("agree(%v, %v) = %v", test.a, test.b, got)
		}
	}
}

func TestTheSecondRunStandsBesideTheFirst(t *testing.T) {
	one, two := newFindings(), newFindings()
	one.rounds[turned] = results{small64: {nameFleetgate: samplesOf(8, 9), nameNginx: samplesOf(10, 10), nameHAProxy: samplesOf(10, 10)}}
	two.rounds[turned] = results{small64: {nameFleetgate: samplesOf(8.5, 9.5), nameNginx: samplesOf(10, 10), nameHAProxy: samplesOf(20, 20)}}
	got := again{one, two}.table(options{}).markdown()
	for _, want := range []string{
		"## The same again: 1 of 2 figures agree within their noise",
		"| ≤ 0.85 × nginx   | 0.85 (0.80..0.90) | 0.90 (0.85..0.95) | overlap            |",
		"| ≤ 0.75 × HAProxy | 0.85 (0.80..0.90) | 0.45 (0.42..0.47) | differ             |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}
