package main

import (
	"slices"
	"testing"

	"github.com/fleetgate/fleetgate/test/bench/perf"
)

func TestProfileHasTheMostFrequentFirst(t *testing.T) {
	samples := []perf.Sample{{Address: 1}, {Address: 2, Kernel: true}, {Address: 2, Kernel: true}, {Address: 3}}
	names := map[uint64]string{1: "a", 2: "k", 3: "a"}
	got := profileOf(samples, func(s perf.Sample) string { return names[s.Address] })
	want := []profileLine{{"a", 0.5, false}, {"k", 0.5, true}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := kernelPart(samples); got != 0.5 {
		t.Errorf("the kernel's part is %v, want 0.5", got)
	}
	if got := kernelPart(nil); got != 0 {
		t.Errorf("the kernel's part of nothing is %v", got)
	}
}
