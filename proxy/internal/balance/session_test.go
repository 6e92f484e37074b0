package balance

import (
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// How long a session took to begin counts while it lasts, and how long it lasted
// never does.
func TestLatencyOfSessions(t *testing.T) {
	c := applyPolicy(t, NewRegistry(Options{}), addresses(2), &proxyconfig.Policy{Algorithm: proxyconfig.PeakEWMA})
	slow, fast := find(t, c, "10.0.0.1"), find(t, c, "10.0.0.2")
	now := int64(time.Hour)
	for e, took := range map[*Endpoint]time.Duration{slow: 100 * time.Millisecond, fast: time.Millisecond} {
		e.Begin()
		e.Reached(now-int64(took), now)
	}
	if got := shares(t, c, now, 100)[slow]; got != 0 {
		t.Errorf("the slow one is chosen %d of 100 times", got)
	}
	now += int64(time.Millisecond)
	fast.EndSession(now, Answered)
	if got := shares(t, c, now, 100)[slow]; got != 0 || fast.InFlight() != 0 {
		t.Errorf("after a session's end the slow one is chosen %d of 100 times, with %d in flight", got, fast.InFlight())
	}
}
