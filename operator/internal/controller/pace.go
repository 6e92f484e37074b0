package controller

import (
	"reflect"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

const (
	// statusPause is the time between two writes of a Gateway's status that change
	// nothing but counts and messages. It doubles with each write of a burst, up to
	// longestPause.
	statusPause  = time.Second
	longestPause = 8 * time.Second
	// statusCalm is how long nothing may have changed for the end of a burst: what holds
	// then is written without waiting for the rest of the pause, but for shortestPause.
	// Together with a look and a write, that is within a second of the last change.
	statusCalm    = 300 * time.Millisecond
	shortestPause = 700 * time.Millisecond
)

// statusPace rations the writes of one Gateway's status that can wait. A thousand
// routes that come within half a minute take some seven writes, whatever wakes the
// Gateway meanwhile, and a single change is written at once.
type statusPace struct {
	// last is when the status was written, and pause what is to pass before the next
	// write while changes keep coming.
	last  time.Time
	pause time.Duration
	// waiting is what is to be written, and since when.
	waiting *gatewayv1.GatewayStatus
	since   time.Time
}

// wait returns how long the status has to wait yet; zero or less is not at all.
func (p *statusPace) wait(next *gatewayv1.GatewayStatus, now time.Time) time.Duration {
	if p.waiting == nil || !reflect.DeepEqual(p.waiting, next) {
		p.waiting, p.since = next, now
	}
	calm := max(p.since.Add(statusCalm).Sub(p.last), shortestPause)
	return p.last.Add(min(calm, max(p.pause, statusPause))).Sub(now)
}

// wrote notes a write. One that was urgent is no sign of a burst.
func (p *statusPace) wrote(now time.Time, urgent bool) {
	switch {
	case urgent:
	case now.Sub(p.last) < 2*p.pause:
		p.pause = min(2*p.pause, longestPause)
	default:
		p.pause = statusPause
	}
	p.last = now
	p.settled()
}

// settled notes that nothing is to be written.
func (p *statusPace) settled() { p.waiting = nil }
