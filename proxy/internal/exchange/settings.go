package exchange

import (
	"math"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// follow takes over the settings of the configuration that serves, if they have
// changed.
func (l *Loop) follow() {
	var now *proxyconfig.Settings
	if s := l.opts.Snapshot.Load(); s != nil {
		now = s.Settings
	}
	if now != l.settings {
		l.adopt(now)
	}
}

// adopt makes settings, which may be nil, the ones in effect.
func (l *Loop) adopt(s *proxyconfig.Settings) {
	hops := l.opts.TrustedHops
	l.settings, l.base = s, l.opts.Limits
	if s != nil {
		if s.TrustedHops != nil {
			hops = int(*s.TrustedHops)
		}
		l.base = l.base.with(s.Timeouts)
	}
	l.slow = 0
	if l.opts.Slow != nil {
		l.slow = l.opts.Slow(s)
	}
	l.hops = uint8(min(max(hops, 0), math.MaxUint8))
	l.limits = l.base.at(l.opts.Gate.Level())
}

// with returns the limits with the timeouts that are set, of those given, which may
// be nil.
func (l Limits) with(t *proxyconfig.PhaseTimeouts) Limits {
	if t == nil {
		return l
	}
	for _, f := range []struct {
		limit  *time.Duration
		millis int64
	}{
		{&l.Head, t.RequestHeadMillis}, {&l.Body, t.RequestBodyIdleMillis}, {&l.Stall, t.ResponseIdleMillis},
		{&l.Idle, t.KeepAliveMillis}, {&l.Tunnel, t.TunnelIdleMillis}, {&l.Connect, t.BackendConnectMillis},
		{&l.Silence, t.BackendIdleMillis}, {&l.PoolIdle, t.BackendKeepAliveMillis},
	} {
		if f.millis > 0 {
			*f.limit = time.Duration(f.millis) * time.Millisecond
		}
	}
	return l
}
