package listener

import (
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// Apply opens the ports that the snapshot has and closes those that it has
// not. It returns an error for each port that could not be opened; the others
// are served, and the next call tries again.
//
// A port that stays keeps its socket whatever it is to speak now, except that
// one changes hands where the loops are to drive it and goroutines do, or the
// other way round.
func (s *Set) Apply(snap *snapshot.Snapshot) []PortError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	return append(s.applyTCP(snap), s.applyUDP(snap)...)
}

func (s *Set) applyTCP(snap *snapshot.Snapshot) []PortError {
	wanted := make(map[uint16]driver, len(snap.Ports))
	for _, p := range snap.Ports {
		wanted[p.Number] = s.driverOf(p)
	}
	for port, d := range s.ports {
		if wanted[port] == d {
			continue
		}
		d.shut(port)
		delete(s.ports, port)
		s.opts.Log.Info("Closed port", "port", port)
	}
	var errs []PortError
	for _, p := range snap.Ports {
		if s.ports[p.Number] != nil {
			continue
		}
		d := wanted[p.Number]
		if err := d.open(p.Number); err != nil {
			errs = append(errs, PortError{Port: p.Number, Err: err})
			continue
		}
		s.ports[p.Number] = d
		s.opts.Log.Info("Opened port", "port", p.Number)
	}
	return errs
}

// driverOf returns what is to drive a port. PROXY protocol headers are read by
// goroutines alone, as are hellos that say what is to become of a client.
func (s *Set) driverOf(p *snapshot.Port) driver {
	if (p.Speech == snapshot.PlainHTTP || p.Speech == snapshot.HTTPS) && len(p.TrustedSources) == 0 {
		return s.plain
	}
	return s.other
}

func (s *Set) applyUDP(snap *snapshot.Snapshot) []PortError {
	for port, u := range s.udp {
		if snap.UDPPort(port) == nil {
			u.Close()
			delete(s.udp, port)
			s.opts.Log.Info("Closed UDP port", "port", port)
		}
	}
	var errs []PortError
	for _, p := range snap.UDPPorts {
		if s.udp[p.Number] != nil {
			continue
		}
		u, err := s.l4.OpenUDP(s.opts.Bind, p.Number)
		if err != nil {
			errs = append(errs, PortError{Port: p.Number, UDP: true, Err: err})
			continue
		}
		s.udp[p.Number] = u
		s.opts.Log.Info("Opened UDP port", "port", p.Number)
	}
	return errs
}

// expireUDP ends the sessions that nobody seems to need while draining.
func (s *Set) expireUDP() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.udp {
		u.Expire(s.opts.DrainGrace)
	}
}

// Stats are the figures of a Set.
type Stats struct {
	// Connections counts the open connections and UDP sessions of clients,
	// Requests the requests in progress.
	Connections, Requests int64
	// Refused counts connections that were closed for want of a rule, an
	// endpoint or room, Dropped datagrams that were not forwarded. Both are of
	// what is below HTTP.
	Refused, Dropped uint64
}

// Stats returns the figures of each loop, in the numbering of
// Options.Observers; those of what is below HTTP come last.
func (s *Set) Stats() []Stats {
	out := make([]Stats, len(s.loops), len(s.loops)+1)
	for i, l := range s.loops {
		out[i] = Stats{Connections: l.Open.Load(), Requests: l.Active.Load()}
	}
	below := s.l4.Stats()
	return append(out, Stats{
		Connections: below.Connections + below.Sessions + s.other.room.size(),
		Refused:     below.Refused, Dropped: below.Dropped,
	})
}

func (s *Set) connections() (n int64) {
	for _, stats := range s.Stats() {
		n += stats.Connections
	}
	return n
}
