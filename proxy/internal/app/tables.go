package app

import (
	"maps"
	"net/netip"
	"slices"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/probe"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// tables say what the identifiers in a snapshot stand for. They are immutable, and
// implement probe.Source.
type tables struct {
	snapshot *snapshot.Snapshot
	// external has the addresses of the backends that have a name in place of endpoints,
	// by ID: they change while the snapshot does not.
	external map[string][]netip.AddrPort
}

func newTables(s *snapshot.Snapshot, external []*balance.Cluster) *tables {
	t := &tables{snapshot: s, external: map[string][]netip.AddrPort{}}
	for _, c := range external {
		for _, e := range c.Endpoints() {
			t.external[c.ID] = append(t.external[c.ID], e.Addr)
		}
	}
	return t
}

// Tables implements probe.Source.
func (t *tables) Tables() *probev1.Tables {
	all := &probev1.Tables{Series: seriesFrom(t.snapshot, 1)}
	for b := range t.snapshot.Config.BackendPieces().All() {
		if id := t.number(b.ID); id != 0 {
			all.Backends = append(all.Backends, named(b, id))
			all.Endpoints = appendEndpoints(all.Endpoints, t.addresses(b), nil, id)
		}
	}
	for l := range t.snapshot.Config.ListenerPieces().All() {
		all.Ports = append(all.Ports, probev1.Port{Number: uint16(l.Port), Listener: l.Name})
	}
	return all
}

// Since implements probe.Source: it looks at what differs between the two snapshots.
func (t *tables) Since(told probe.Source) *probev1.Amendment {
	before, ok := told.(*tables)
	if !ok || !t.snapshot.Amends(before.snapshot) {
		return nil
	}
	a := &probev1.Amendment{Tables: probev1.Tables{Series: seriesFrom(t.snapshot, len(before.snapshot.Series))}}
	was, now := before.beside(t), t.beside(before)
	for _, id := range slices.Sorted(maps.Keys(was)) {
		if number := before.number(id); number != 0 && now[id] == nil {
			a.Gone.Backends = append(a.Gone.Backends, number)
			a.Gone.Endpoints = appendEndpoints(a.Gone.Endpoints, before.addresses(was[id]), nil, number)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(now)) {
		t.amend(a, before, was[id], now[id])
	}
	return a
}

// amend tells what has become of a backend; was is nil for one that is new.
func (t *tables) amend(a *probev1.Amendment, before *tables, was, now *proxyconfig.Backend) {
	number := t.number(now.ID)
	if number == 0 {
		return
	}
	var old []netip.AddrPort
	if was != nil {
		old = before.addresses(was)
	} else {
		a.Backends = append(a.Backends, named(now, number))
	}
	current := t.addresses(now)
	a.Gone.Endpoints = appendEndpoints(a.Gone.Endpoints, old, current, number)
	a.Endpoints = appendEndpoints(a.Endpoints, current, old, number)
}

// beside returns the backends that may be others than in the snapshot of o, by ID.
func (t *tables) beside(o *tables) map[string]*proxyconfig.Backend {
	others := map[string]*proxyconfig.Backend{}
	for _, b := range t.snapshot.Config.BackendPieces().Beside(o.snapshot.Config.BackendPieces()) {
		others[b.ID] = b
	}
	for id, addresses := range t.external {
		if others[id] == nil && !slices.Equal(addresses, o.external[id]) {
			others[id] = &proxyconfig.Backend{ID: id, External: &proxyconfig.External{}}
		}
	}
	return others
}

// number is the identifier of a backend; zero for one that has none.
func (t *tables) number(backend string) uint32 {
	if cluster := t.snapshot.Cluster(backend); cluster != nil {
		return cluster.Probe
	}
	return 0
}

// addresses are those of a backend, each once.
func (t *tables) addresses(b *proxyconfig.Backend) []netip.AddrPort {
	if b.External != nil {
		return t.external[b.ID]
	}
	list := make([]netip.AddrPort, 0, len(b.Endpoints))
	for i := range b.Endpoints {
		if addr, err := b.Endpoints[i].AddrPort(); err == nil && !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	return list
}

// seriesFrom lists the series of a snapshot from an identifier on. Zero, the overflow
// series, has no name.
func seriesFrom(s *snapshot.Snapshot, first int) []probev1.Series {
	var list []probev1.Series
	for id := max(first, 1); id < len(s.Series); id++ {
		of := &s.Series[id]
		list = append(list, probev1.Series{
			ID: uint32(id), Listener: of.Listener, Rule: of.Rule,
			Kind: of.Route.Kind, Namespace: of.Route.Namespace, Name: of.Route.Name,
		})
	}
	return list
}

func named(b *proxyconfig.Backend, number uint32) probev1.Backend {
	return probev1.Backend{ID: number, Namespace: b.Namespace, Service: b.Service, Port: b.Port}
}

// appendEndpoints adds the addresses of a backend that are not among others.
func appendEndpoints(list []probev1.Endpoint, addresses, others []netip.AddrPort, number uint32) []probev1.Endpoint {
	for _, addr := range addresses {
		if !slices.Contains(others, addr) {
			list = append(list, probev1.Endpoint{Address: addr, Backend: number})
		}
	}
	return list
}
