package main

import (
	"slices"
	"testing"
	"time"
)

// A load that ends before the turns do leaves its proxy out of the workload.
func TestLoadsOutliveTheTurns(t *testing.T) {
	now := time.Now()
	for _, n := range []int{2, 7} {
		engines := time.Duration(n)
		r := &race{bench: &bench{options: options{seconds: 2}}, lanes: make([]*lane, n)}
		r.plan(now)
		if got := r.last.Sub(now) - engines*startWarm; got < 2*engines*time.Second {
			t.Errorf("%d engines: turns take %v when all are warm", n, got)
		}
		if got := r.end.Sub(r.last); got < 2*engines*(turnTime+restStep) {
			t.Errorf("%d engines: loads end %v after turns do", n, got)
		}
	}
}

func TestOrderOfARound(t *testing.T) {
	b := &bench{
		refused: map[string]bool{"refused": true},
	}
	for _, name := range []string{"a", "b", "refused", "c", "not asked"} {
		b.engines = append(b.engines, engine{name: name, fronts: allFronts})
	}
	w := workload{engines: []string{"a", "b", "refused", "c"}}
	for round, want := range [][]int{{0, 1, 3}, {1, 3, 0}, {3, 0, 1}, {0, 1, 3}} {
		if got := b.taking(w, round); !slices.Equal(got, want) {
			t.Errorf("round %d: got %v, want %v", round, got, want)
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
