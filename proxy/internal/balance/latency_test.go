package balance

import (
	"math"
	"testing"
	"time"
)

func TestLatencyRisesAtOnceAndFallsWithTime(t *testing.T) {
	const ms = int64(time.Millisecond)
	var l latency
	if _, known := l.at(0); known {
		t.Error("known before anything was observed")
	}
	steps := []struct {
		at, sample int64
		onlyWorse  bool
		want       float64 // milliseconds
	}{
		{0, 10 * ms, false, 10},
		{0, 100 * ms, false, 100},
		{0, 1 * ms, false, 100},
		{10000 * ms, 0, true, 100 / math.E}, // one decay time later
		{10000 * ms, 10 * ms, false, 100/math.E + 10*(1-1/math.E)},
		{10000 * ms, 200 * ms, true, 200},
		{9000 * ms, 300 * ms, false, 300}, // another loop's clock is behind
		{400000 * ms, 7 * ms, false, 7},
	}
	for i, step := range steps {
		l.observe(step.at, step.sample, step.onlyWorse)
		got, _ := l.at(step.at)
		if got /= float64(ms); math.Abs(got-step.want) > step.want/100 {
			t.Errorf("step %d: got %.2f ms, want %.2f ms", i, got, step.want)
		}
	}
}

// The count of ticks wraps around every seven weeks.
func TestLatencySurvivesItsClock(t *testing.T) {
	var l latency
	before := int64(math.MaxUint32)<<tickShift - int64(time.Second)
	l.observe(before, int64(time.Second), false)
	got, _ := l.at(before + int64(latencyDecay))
	if want := float64(time.Second) / math.E; math.Abs(got-want) > want/100 {
		t.Errorf("got %v, want %v", time.Duration(got), time.Duration(want))
	}
}
