package l4

import (
	"sync"

	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// reporter tells an observer, one thing at a time.
type reporter struct {
	observer traffic.Observer

	mu   sync.Mutex
	done traffic.Done
}

func (r *reporter) report(d *traffic.Done) {
	if r.observer == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = *d
	r.observer.RequestDone(&r.done)
	traffic.TellTurn(r.observer)
}

// Shaken tells the observer of a client's TLS handshake that has ended, after which
// the client's connection is forwarded.
func (s *Server) Shaken(h traffic.Handshake) {
	s.reports.mu.Lock()
	defer s.reports.mu.Unlock()
	traffic.TellHandshake(s.reports.observer, h)
	traffic.TellTurn(s.reports.observer)
}
