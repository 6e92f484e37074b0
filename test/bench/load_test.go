package main

import (
	"testing"
	"time"
)

func TestParseLoads(t *testing.T) {
	const wrkHead = "Running 1s test @ http://127.0.0.1:8801/1k\n  1 threads and 64 connections\n"
	const h2loadHead = "finished in 1.00s, 187488.00 req/s, 14.84MB/s\n"
	h2 := func(out string) (loaded, error) { return parseH2load(out, 2*time.Second) }
	tests := []struct {
		name, out string
		parse     func(string) (loaded, error)
		want      loaded
		ok        bool
	}{
		{"wrk", wrkHead + "RESULT 50000 1000000 2 1040 2070 5236\n", parseWrk,
			loaded{requests: 50000, duration: time.Second, errors: 2, p50: 1040, p99: 2070, p999: 5236}, true},
		{"wrk without an answer", wrkHead + "RESULT 0 1000000 64 0 0 0\n", parseWrk, loaded{}, false},
		{"wrk cut off", wrkHead + "RESULT 50000 1000000 2 10", parseWrk, loaded{}, false},
		{"wrk without a result", wrkHead, parseWrk, loaded{}, false},
		{"paced", "RESULT 5120 1000000 1 117.4 642.1 1554.4 55.5\n", parsePaced,
			loaded{requests: 5120, duration: time.Second, errors: 1, p50: 117.4, p99: 642.1, p999: 1554.4, late: 55.5}, true},
		{"paced without lateness", "RESULT 5120 1000000 1 117.4 642.1 1554.4\n", parsePaced, loaded{}, false},
		{"paced without an answer", "RESULT 0 1000000 64 0 0 0 0\n", parsePaced, loaded{}, false},
		{"h2load", h2loadHead + "requests: 100 total, 110 started, 100 done, 90 succeeded, 7 failed, 2 errored, 1 timeout\n", h2,
			loaded{requests: 90, duration: 2 * time.Second, errors: 10}, true},
		{"h2load in vain", "requests: 9 total, 9 started, 9 done, 0 succeeded, 9 failed, 0 errored, 0 timeout\n", h2, loaded{}, false},
		{"h2load cut off", "requests: 9 total, 9 sta", h2, loaded{}, false},
		{"h2load without a result", h2loadHead, h2, loaded{}, false},
		{"bulk", "RESULT 2000000000 500000\n", parseTaken, loaded{bytes: 2e9, duration: time.Second / 2}, true},
		{"bulk without bytes", "RESULT 0 500000\n", parseTaken, loaded{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.parse(test.out)
			if got != test.want || (err == nil) != test.ok {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestSamplesCountRequestsOrBytes(t *testing.T) {
	got := loaded{requests: 1000, duration: 2 * time.Second}.sample(15 * time.Millisecond)
	if got.cpu != 15 || got.rate != 500 {
		t.Errorf("got %+v of requests", got)
	}
	got = loaded{bytes: 4e9, duration: 2 * time.Second}.sample(time.Second)
	if got.cpu != 0.25 || got.rate != 2 {
		t.Errorf("got %+v of bytes", got)
	}
}

func TestParseMetrics(t *testing.T) {
	const text = "# TYPE go_gc_heap_allocs_objects_total counter\ngo_gc_heap_allocs_objects_total 1.5e+06\ngo_gc_heap_tiny_allocs_objects_total 5\n" +
		"go_memory_classes_heap_objects_bytes 200\ngo_memory_classes_heap_unused_bytes 100\ngo_memory_classes_heap_stacks_bytes 50\n"
	for want, names := range map[float64][]string{1500005: allocatedObjects, 350: bytesInUse} {
		if got, err := parseMetrics(text, names); got != want || err != nil {
			t.Errorf("%v: got %v, %v", names, got, err)
		}
	}
	if _, err := parseMetrics("go_memory_classes_heap_stacks_bytes 50\n", bytesInUse); err == nil {
		t.Error("a sum with metrics missing was taken")
	}
	if _, err := parseMetrics("go_gc_heap_allocs_objects_total many\n", allocatedObjects); err == nil {
		t.Error("a value that is no number was taken")
	}
}

func TestSlopeIsThatPastTheFirstStep(t *testing.T) {
	if got := slope([]int64{900, 1000, 1400}, 5); got != 50 {
		t.Errorf("got %v, want 50", got)
	}
}
