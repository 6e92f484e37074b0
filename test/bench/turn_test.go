package main

import (
	"slices"
	"testing"
	"time"
)

func TestLanesGoThereAndBack(t *testing.T) {
	lanes := []string{"a", "b", "c"}
	if got := thereAndBack(lanes); !slices.Equal(got, []string{"a", "b", "c", "c", "b", "a"}) {
		t.Errorf("got %q", got)
	}
	if !slices.Equal(lanes, []string{"a", "b", "c"}) {
		t.Errorf("the lanes became %q", lanes)
	}
}

func TestTurnsAddUp(t *testing.T) {
	before := spent{cpu: 2 * time.Second, ends: time.Second, sleeps: 7, units: 100}
	after := spent{cpu: 3 * time.Second, ends: 4 * time.Second, sleeps: 9, units: 400, time: time.Second}
	one := after.minus(before)
	if want := (spent{time.Second, 3 * time.Second, time.Second, 2, 300}); one != want {
		t.Errorf("a turn is %+v, want %+v", one, want)
	}
	if got, want := one.plus(one), (spent{2 * time.Second, 6 * time.Second, 2 * time.Second, 4, 600}); got != want {
		t.Errorf("two turns are %+v, want %+v", got, want)
	}
}

func TestTurnsAreSamplesOfRequestsOrBytes(t *testing.T) {
	got := spent{cpu: 30 * time.Millisecond, ends: time.Hour, time: time.Second, units: 1000}.sample(workload{})
	if got.cpu != 30 || got.rate != 1000 || got.machine != 0 {
		t.Errorf("got %+v of requests", got)
	}
	got = spent{cpu: time.Second, ends: 3 * time.Second, time: 2 * time.Second, units: 4e9}.sample(workload{front: stream})
	if got.cpu != 0.25 || got.machine != 1 || got.rate != 2 {
		t.Errorf("got %+v of bytes", got)
	}
}
