package app

import (
	"net/netip"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// tables tells the sensor what the identifiers in a snapshot stand for.
func tables(s *snapshot.Snapshot) *probev1.Tables {
	t := &probev1.Tables{}
	for id, series := range s.Series {
		if id == 0 {
			continue // the overflow series has no name
		}
		t.Series = append(t.Series, probev1.Series{
			ID: uint32(id), Listener: series.Listener, Rule: series.Rule,
			Kind: series.Route.Kind, Namespace: series.Route.Namespace, Name: series.Route.Name,
		})
	}
	addBackends(t, s)
	for l := range s.Config.ListenerPieces().All() {
		t.Ports = append(t.Ports, probev1.Port{Number: uint16(l.Port), Listener: l.Name})
	}
	return t
}

// addBackends lists backends and endpoints. An address that belongs to two
// Services is told as that of the first.
func addBackends(t *probev1.Tables, s *snapshot.Snapshot) {
	seen := map[netip.AddrPort]bool{}
	for b := range s.Config.BackendPieces().All() {
		cluster := s.Cluster(b.ID)
		if cluster == nil || cluster.Probe == 0 {
			continue
		}
		t.Backends = append(t.Backends, probev1.Backend{ID: cluster.Probe, Namespace: b.Namespace, Service: b.Service, Port: b.Port})
		for _, addr := range addresses(b, cluster) {
			if seen[addr] {
				continue
			}
			seen[addr] = true
			t.Endpoints = append(t.Endpoints, probev1.Endpoint{Address: addr, Backend: cluster.Probe})
		}
	}
}

// addresses are those of a backend, as they are at the moment where it has a name
// in place of endpoints.
func addresses(b *proxyconfig.Backend, cluster *balance.Cluster) []netip.AddrPort {
	var list []netip.AddrPort
	if b.External != nil {
		for _, e := range cluster.Endpoints() {
			list = append(list, e.Addr)
		}
		return list
	}
	for i := range b.Endpoints {
		if addr, err := b.Endpoints[i].AddrPort(); err == nil {
			list = append(list, addr)
		}
	}
	return list
}
