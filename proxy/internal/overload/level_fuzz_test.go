package overload

import (
	"testing"
	"time"
)

// FuzzLevel follows memory and delay wherever they go: the level is up to them at
// once, comes down by one step after calm time alone, and refuses nobody for a
// delay.
func FuzzLevel(f *testing.F) {
	f.Add([]byte{10, 80, 0, 10, 95, 0, 20, 10, 0, 20, 10, 0, 20, 10, 0, 20, 10, 0})
	f.Add([]byte{1, 0, 100, 1, 0, 250, 30, 0, 0, 30, 0, 0, 30, 0, 60})
	f.Add([]byte{5, 76, 0, 5, 74, 0, 30, 71, 0, 30, 69, 0, 30, 69, 0})
	f.Fuzz(func(t *testing.T, moments []byte) {
		var j judge
		// busyAt is the last moment that did not allow a step down, or had one.
		var now, busyAt time.Duration
		for ; len(moments) >= 3; moments = moments[3:] {
			now += time.Duration(moments[0]) * 100 * time.Millisecond
			memory, delay := float64(moments[1])/100, time.Duration(moments[2])*10*time.Millisecond
			asked, before := levelOf(memory, delay), j.level
			got := j.decide(now, memory, delay)
			if got < asked || got > RefuseConnections {
				t.Fatalf("got level %d where %d is asked for", got, asked)
			}
			if got > before && got != asked {
				t.Fatalf("it rose from %d to %d where %d is asked for", before, got, asked)
			}
			if memory < refuseConnectionsAt && got == RefuseConnections && before < got {
				t.Fatalf("it refuses connections at %v of the memory", memory)
			}
			calm := levelOf(memory+calmBelow, 2*delay) < before
			if got < before && (got != before-1 || !calm || now-busyAt < calmTime) {
				t.Fatalf("at %v it fell from %d to %d, calm %v since %v", now, before, got, calm, busyAt)
			}
			if got != before || !calm {
				busyAt = now
			}
		}
		for range RefuseConnections + 1 {
			now += calmTime
			j.decide(now, 0, 0)
		}
		if j.level != Normal {
			t.Errorf("in the end it is at %d", j.level)
		}
	})
}
