package overload

import (
	"math"
	"time"
)

// Level is how much of its work the proxy leaves undone.
type Level uint32

// The levels. Each does all that those before it do.
const (
	Normal Level = iota
	// StopKeepAlive ends connections as soon as nothing is in progress on them.
	StopKeepAlive
	// ShedRequests answers new requests 503.
	ShedRequests
	// RefuseConnections closes new connections at once.
	RefuseConnections
)

// Patience is how long those who make others wait, and hold memory meanwhile, may
// do so: less, the less there is of it. At Normal it is without end.
func (l Level) Patience() time.Duration {
	return [...]time.Duration{math.MaxInt64, 20 * time.Second, 5 * time.Second, time.Second}[l]
}

// Hearing is how much a client may say before its first request, in a hello or a
// handshake. Each byte is kept several times before there is an end. Nearly all hellos
// have less than 2 KiB; certificates of clients come to more.
func (l Level) Hearing() int {
	return [...]int{math.MaxInt, math.MaxInt, 16 << 10, 4 << 10}[l]
}

// The steps of memory are parts of what the process may have. The first leaves
// room for connections to end by themselves, the last one for what is accepted
// already to grow to its bounds.
const (
	stopKeepAliveAt     = 0.75
	shedRequestsAt      = 0.82
	refuseConnectionsAt = 0.90
	// calmBelow is how much less it must be for a step down.
	calmBelow = 0.05
)

// The steps of delay. Ten thousand clients that are served in turn wait for some
// hundreds of milliseconds, which is no overload. That work comes late is no
// reason to refuse connections: a 503 is cheaper than a new handshake elsewhere.
const (
	stopKeepAliveAfter = time.Second
	shedRequestsAfter  = 2 * time.Second
)

// calmTime is how long it must be calm for a step down.
const calmTime = 2 * time.Second

// levelOf returns the level that the signals ask for.
func levelOf(memory float64, delay time.Duration) Level {
	switch {
	case memory >= refuseConnectionsAt:
		return RefuseConnections
	case memory >= shedRequestsAt || delay >= shedRequestsAfter:
		return ShedRequests
	case memory >= stopKeepAliveAt || delay >= stopKeepAliveAfter:
		return StopKeepAlive
	}
	return Normal
}

// judge follows the signals with hysteresis.
type judge struct {
	level Level
	// calmSince is since when the signals allow a step down.
	calmSince time.Duration
}

// decide returns the level at an instant, given the part of the memory that is
// used and the delay.
func (j *judge) decide(now time.Duration, memory float64, delay time.Duration) Level {
	switch {
	case levelOf(memory, delay) > j.level:
		j.level, j.calmSince = levelOf(memory, delay), now
	case levelOf(memory+calmBelow, 2*delay) >= j.level:
		j.calmSince = now
	case now-j.calmSince >= calmTime:
		j.level--
		j.calmSince = now
	}
	return j.level
}
