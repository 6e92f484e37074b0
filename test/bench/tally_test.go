package main

import (
	"math"
	"testing"
	"time"
)

func TestWhatIsCountedIsOfTheUnitsMeanwhile(t *testing.T) {
	before := tally{calls: 1000, objects: 500, units: 100}
	got, err := tally{calls: 9000, objects: 2500, units: 2100}.since(before, 1000, workload{})
	if want := (sample{systemCalls: 4, allocations: 0.5, units: 2000}); got != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	got, err = tally{calls: 3000, objects: 500, units: 100 + 2e9}.since(before, 1000, workload{front: stream})
	if want := (sample{systemCalls: 1000, units: 2}); got != want || err != nil {
		t.Errorf("got %+v of bytes, %v, want %+v", got, err, want)
	}
	if _, err := before.since(before, 0, workload{}); err == nil {
		t.Error("no work was taken for some")
	}
}

func TestIdlenessIsWhatTimeAddsToAScrape(t *testing.T) {
	i := idlenessOf(1000, 3000, 5000+20*idleTime.Seconds())
	if got := i.objects(10 * time.Second); math.Abs(got-2200) > 1e-9 {
		t.Errorf("got %v objects in 10 s, want 2200", got)
	}
	if got := idlenessOf(1000, 3000, 4000).second; got != 0 {
		t.Errorf("got %v objects in a second", got)
	}
}
