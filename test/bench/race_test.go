package main

import (
	"testing"
	"time"
)

// A load that ends before the turns do leaves its proxy out of the workload.
func TestLoadsOutliveTheTurns(t *testing.T) {
	now := time.Now()
	for _, engines := range []int{2, 7} {
		r := &race{bench: &bench{options: options{rounds: 3, seconds: 2}}, lanes: make([]*lane, engines)}
		r.plan(now)
		if want := time.Duration(engines) * 2 * time.Second; r.length != want {
			t.Errorf("%d engines: a round takes %v, want %v", engines, r.length, want)
		}
		if first := r.last.Add(-3 * r.length).Sub(now); first < time.Duration(engines)*warmTime {
			t.Errorf("%d engines: the first round begins after %v, before all are warm", engines, first)
		}
		thereAndBackAgain := 2 * time.Duration(engines) * (turnTime + restStep)
		if r.end.Sub(r.last) < thereAndBackAgain {
			t.Errorf("%d engines: loads end %v after turns do", engines, r.end.Sub(r.last))
		}
	}
}

func TestRoundsWithoutABarAreFewer(t *testing.T) {
	if got := (workload{}).steadyRounds(5); got != 2 {
		t.Errorf("got %d steady rounds of 5 where turns are taken", got)
	}
	if got := (workload{}).steadyRounds(1); got != 1 {
		t.Errorf("got %d steady rounds of 1", got)
	}
	if got := (workload{rate: slowRate}).steadyRounds(5); got != 5 {
		t.Errorf("got %d steady rounds of 5 where none are", got)
	}
}
