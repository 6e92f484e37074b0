package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestLatenciesAreThoseOfAnsweredRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	const log = "1700000000000001\t200\t900\n1700000000000002\t-1\t5\n1700000000000003\t503\t300\tmore\n"
	if err := os.WriteFile(file, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readLatencies(file)
	if want := []float64{300, 900}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if err := os.WriteFile(file, []byte("1700000000000001\t200\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readLatencies(file); err == nil {
		t.Error("a line without a duration was taken")
	}
}

func TestPercentile(t *testing.T) {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = float64(i + 1)
	}
	for share, want := range map[float64]float64{0.5: 500, 0.99: 990, 0.999: 999, 1: 1000, 0: 1} {
		if got := percentile(values, share); got != want {
			t.Errorf("percentile(%v) = %v, want %v", share, got, want)
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: got %v", got)
	}
}
