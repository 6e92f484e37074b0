package overload

import (
	"testing"
	"time"
)

// A story is a series of moments, and the level at each.
type moment struct {
	after  time.Duration
	memory float64
	delay  time.Duration
	want   Level
}

func TestLevels(t *testing.T) {
	const second = time.Second
	for name, story := range map[string][]moment{
		"memory goes up at once and down step by step": {
			{0, 0.5, 0, Normal},
			{second, 0.75, 0, StopKeepAlive},
			{second, 0.82, 0, ShedRequests},
			{second, 0.90, 0, RefuseConnections},
			{second, 0.2, 0, RefuseConnections},
			{second, 0.2, 0, ShedRequests},
			{2 * second, 0.2, 0, StopKeepAlive},
			{2 * second, 0.2, 0, Normal},
			{9 * second, 0.2, 0, Normal},
		},
		"memory jumps to the last step": {{0, 1.2, 0, RefuseConnections}},
		"just below a step nothing falls": {
			{0, 0.83, 0, ShedRequests},
			{9 * second, 0.78, 0, ShedRequests},
			{9 * second, 0.76, 0, StopKeepAlive},
			{9 * second, 0.71, 0, StopKeepAlive},
			{9 * second, 0.69, 0, Normal},
		},
		"calm must last": {
			{0, 0.85, 0, ShedRequests},
			{second, 0.1, 0, ShedRequests},
			{second / 2, 0.85, 0, ShedRequests},
			{second, 0.1, 0, ShedRequests},
			{second / 2, 0.1, 0, ShedRequests},
			{second / 2, 0.1, 0, StopKeepAlive},
		},
		"delay never refuses connections": {
			{0, 0, 900 * time.Millisecond, Normal},
			{second, 0, second, StopKeepAlive},
			{second, 0, time.Hour, ShedRequests},
			{9 * second, 0, 1100 * time.Millisecond, ShedRequests},
			{9 * second, 0, 600 * time.Millisecond, StopKeepAlive},
			{9 * second, 0, 400 * time.Millisecond, Normal},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var j judge
			now := time.Duration(0)
			for i, m := range story {
				now += m.after
				if got := j.decide(now, m.memory, m.delay); got != m.want {
					t.Fatalf("moment %d: got level %d, want %d", i, got, m.want)
				}
			}
		})
	}
}
