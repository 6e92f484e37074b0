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
	wanted, places := s.wanted(snap)
	for at, d := range s.ports {
		if wanted[at] == d {
			continue
		}
		d.shut(at.port)
		delete(s.ports, at)
		s.opts.Log.Info("Closed port", "port", at.port, "udp", at.udp)
	}
	var errs []PortError
	for _, at := range places {
		if s.ports[at] != nil {
			continue
		}
		if err := wanted[at].open(at.port); err != nil {
			errs = append(errs, PortError{Port: at.port, UDP: at.udp, Err: err})
			continue
		}
		s.ports[at] = wanted[at]
		s.opts.Log.Info("Opened port", "port", at.port, "udp", at.udp)
	}
	if s.opts.Sockets != nil {
		// What the process before had open and this one has not.
		s.opts.Sockets.Settle()
	}
	return errs
}

// wanted returns which driver each port of a snapshot is for, and the ports in
// their order.
func (s *Set) wanted(snap *snapshot.Snapshot) (map[place]driver, []place) {
	wanted := make(map[place]driver, len(snap.Ports)+len(snap.UDPPorts))
	var places []place
	for _, p := range snap.Ports {
		at := place{port: p.Number}
		wanted[at], places = s.driverOf(p), append(places, at)
	}
	for _, p := range snap.UDPPorts {
		at := place{port: p.Number, udp: true}
		wanted[at], places = s.datagrams, append(places, at)
	}
	return wanted, places
}

// driverOf returns what is to drive a port. PROXY protocol headers are read by
// goroutines alone, as are hellos that say what is to become of a client.
func (s *Set) driverOf(p *snapshot.Port) driver {
	if (p.Speech == snapshot.PlainHTTP || p.Speech == snapshot.HTTPS) && len(p.TrustedSources) == 0 {
		return s.plain
	}
	return s.other
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
		Connections: below.Connections + below.Sessions + int64(s.other.room.Size()),
		Refused:     below.Refused, Dropped: below.Dropped,
	})
}

func (s *Set) connections() (n int64) {
	for _, stats := range s.Stats() {
		n += stats.Connections
	}
	return n
}
