package controller

import (
	"testing"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// attached is a status that differs by the count of routes alone.
func attached(n int32) *gatewayv1.GatewayStatus {
	return &gatewayv1.GatewayStatus{Listeners: []gatewayv1.ListenerStatus{{AttachedRoutes: n}}}
}

// A change is looked at each tenth of a second, as long as changes come, and then
// whenever it is due.
func TestStatusIsWrittenSeldomInABurstAndSoonAfterIt(t *testing.T) {
	const look = 100 * time.Millisecond
	for _, test := range []struct {
		lasts  time.Duration
		writes int
	}{{0, 1}, {500 * time.Millisecond, 2}, {10 * time.Second, 5}, {30 * time.Second, 7}, {2 * time.Minute, 19}} {
		start := time.Unix(1e9, 0)
		pace := &statusPace{}
		writes, count, written := 0, int32(0), int32(0)
		now := start
		for {
			if now.Sub(start) <= test.lasts {
				count++
			}
			if wait := pace.wait(attached(count), now); wait <= 0 {
				pace.wrote(now, false)
				writes, written = writes+1, count
			}
			if now.Sub(start) >= test.lasts && written == count {
				break
			}
			now = now.Add(look)
		}
		if writes > test.writes {
			t.Errorf("a burst of %v takes %d writes", test.lasts, writes)
		}
		if behind := now.Sub(start) - test.lasts; behind > shortestPause+look {
			t.Errorf("after a burst of %v the status is behind for %v", test.lasts, behind)
		}
	}
}

func TestUrgentWritesDoNotSlowOthersDown(t *testing.T) {
	pace := &statusPace{}
	now := time.Unix(1e9, 0)
	for range 5 {
		pace.wrote(now, true)
		now = now.Add(10 * time.Millisecond)
	}
	if wait := pace.wait(attached(1), now); wait > statusPause {
		t.Errorf("what can wait waits for %v", wait)
	}
	pace.wrote(now, false)
	now = now.Add(time.Minute)
	if wait := pace.wait(attached(2), now); wait > 0 {
		t.Errorf("a single change waits for %v", wait)
	}
}
