package collect

import (
	"net/netip"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

// grace is how long what the proxy has removed is still shown, so that its
// last requests are scraped.
const grace = 2 * time.Minute

// Directory knows the names behind identifiers. It is safe for concurrent use.
type Directory struct {
	mu        sync.RWMutex
	series    map[uint32]entry[routeLabels]
	backends  map[uint32]entry[string]
	ports     map[uint16]string
	endpoints endpoints

	// routes and services are the labels of series and backends, which a scrape looks up
	// by the thousand. Who changes them holds mu.
	routes   index[routeLabels]
	services index[string]
}

// entry is a name, and when the proxy removed it.
type entry[L comparable] struct {
	label   L
	removed time.Time
}

// Gone is the identifiers whose numbers are to be forgotten.
type Gone struct {
	Series, Backends map[uint32]bool
}

// Empty says that there is nothing to forget.
func (g Gone) Empty() bool { return len(g.Series)+len(g.Backends) == 0 }

// stale says whether there are identifiers that stand for something else in the
// tables.
func (d *Directory) stale(t *probe.Tables) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range t.Series {
		if e, ok := d.series[t.Series[i].ID]; ok && e.label != seriesLabels(&t.Series[i]) {
			return true
		}
	}
	for i := range t.Backends {
		if e, ok := d.backends[t.Backends[i].ID]; ok && e.label != backendName(&t.Backends[i]) {
			return true
		}
	}
	return false
}

// Replace takes the proxy's tables. It returns the identifiers that now stand
// for something else.
func (d *Directory) Replace(t *probe.Tables, now time.Time) Gone {
	series := make(map[uint32]routeLabels, len(t.Series))
	for i := range t.Series {
		series[t.Series[i].ID] = seriesLabels(&t.Series[i])
	}
	backends := make(map[uint32]string, len(t.Backends))
	for i := range t.Backends {
		backends[t.Backends[i].ID] = backendName(&t.Backends[i])
	}
	ports := make(map[uint16]string, len(t.Ports))
	for _, p := range t.Ports {
		ports[p.Number] = p.Listener
	}
	addresses := newEndpoints(t.Endpoints)

	d.mu.Lock()
	defer d.mu.Unlock()
	d.ports, d.endpoints = ports, addresses
	var gone Gone
	d.series, gone.Series = replace(d.series, series, now)
	d.backends, gone.Backends = replace(d.backends, backends, now)
	d.routes.follow(d.series)
	d.services.follow(d.backends)
	return gone
}

// Amend takes what has changed in the proxy's tables. It returns the identifiers that
// now stand for something else.
func (d *Directory) Amend(a *probe.Amendment, now time.Time) Gone {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone := Gone{Series: map[uint32]bool{}, Backends: map[uint32]bool{}}
	for _, id := range a.Gone.Backends {
		if e, ok := d.backends[id]; ok && e.removed.IsZero() {
			e.removed = now
			d.backends[id] = e
		}
	}
	for i := range a.Series {
		enter(d.series, a.Series[i].ID, seriesLabels(&a.Series[i]), gone.Series)
	}
	for i := range a.Backends {
		enter(d.backends, a.Backends[i].ID, backendName(&a.Backends[i]), gone.Backends)
	}
	if len(a.Series) > 0 {
		d.routes.follow(d.series)
	}
	if len(a.Backends) > 0 {
		d.services.follow(d.backends)
	}
	for _, e := range a.Gone.Endpoints {
		d.endpoints.remove(e)
	}
	for _, e := range a.Endpoints {
		d.endpoints.add(e)
	}
	return gone
}

// enter gives an identifier a name, and notes one that stood for something else.
func enter[L comparable](entries map[uint32]entry[L], id uint32, label L, gone map[uint32]bool) {
	if e, ok := entries[id]; ok && e.label != label {
		gone[id] = true
	}
	entries[id] = entry[L]{label: label}
}

// Endpoints returns the addresses of backends, in no order.
func (d *Directory) Endpoints() []probe.Endpoint {
	d.mu.RLock()
	defer d.mu.RUnlock()
	list := make([]probe.Endpoint, 0, len(d.endpoints.first))
	for address, backend := range d.endpoints.first {
		list = append(list, probe.Endpoint{Address: address, Backend: backend})
	}
	return list
}

// replace marks what is no longer there and returns what has changed.
func replace[L comparable](old map[uint32]entry[L], labels map[uint32]L, now time.Time) (map[uint32]entry[L], map[uint32]bool) {
	next := make(map[uint32]entry[L], len(labels))
	gone := map[uint32]bool{}
	for id, e := range old {
		label, ok := labels[id]
		switch {
		case !ok:
			if e.removed.IsZero() {
				e.removed = now
			}
			next[id] = e
		case label != e.label:
			gone[id] = true
		}
	}
	for id, label := range labels {
		next[id] = entry[L]{label: label}
	}
	return next, gone
}

// due says whether Expire would forget anything.
func (d *Directory) due(now time.Time) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return anyDue(d.series, now) || anyDue(d.backends, now)
}

func anyDue[L comparable](entries map[uint32]entry[L], now time.Time) bool {
	for _, e := range entries {
		if e.due(now) {
			return true
		}
	}
	return false
}

// due says whether a name has stayed for as long as it may.
func (e entry[L]) due(now time.Time) bool { return !e.removed.IsZero() && now.Sub(e.removed) >= grace }

// Expire forgets what was removed a while ago and returns its identifiers.
func (d *Directory) Expire(now time.Time) Gone {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone := Gone{Series: expire(d.series, now), Backends: expire(d.backends, now)}
	d.routes.follow(d.series)
	d.services.follow(d.backends)
	return gone
}

func expire[L comparable](entries map[uint32]entry[L], now time.Time) map[uint32]bool {
	gone := map[uint32]bool{}
	for id, e := range entries {
		if e.due(now) {
			delete(entries, id)
			gone[id] = true
		}
	}
	return gone
}

// Reset forgets all names: another process gives them anew.
func (d *Directory) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.series, d.backends, d.ports, d.endpoints = nil, nil, nil, endpoints{}
	d.routes.follow(nil)
	d.services.follow(nil)
}

// names returns the routes and backends that there are, and those that were removed
// a moment ago.
func (d *Directory) names() (routes map[routeKey]bool, backends map[string]bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	routes, backends = make(map[routeKey]bool, len(d.series)), make(map[string]bool, len(d.backends))
	for _, e := range d.series {
		if !e.label.handshakes {
			routes[e.label.key] = true
		}
	}
	for _, e := range d.backends {
		backends[e.label] = true
	}
	return routes, backends
}

// listens says whether there is a listener.
func (d *Directory) listens(name string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, listener := range d.ports {
		if listener == name {
			return true
		}
	}
	for _, e := range d.series {
		if e.label.handshakes && e.label.listener() == name {
			return true
		}
	}
	return false
}

func (d *Directory) port(number uint32) string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if listener, ok := d.ports[uint16(number)]; ok {
		return listener
	}
	return other
}

// endsOf says what the connections of a flow are.
func (d *Directory) endsOf(key bpf.L4FlowKey) ends {
	if key.Side == uint32(bpf.L4SideSIDE_UPSTREAM) {
		return ends{side: bpf.L4SideSIDE_UPSTREAM, backend: d.backend(key.Id)}
	}
	return ends{side: bpf.L4SideSIDE_DOWNSTREAM, listener: d.port(key.Id)}
}

// flowOf says which flow a connection is of by its addresses; false if it is none of
// the proxy's with a client or a backend, such as that of a scrape.
func (d *Directory) flowOf(local, remote netip.AddrPort) (bpf.L4FlowKey, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if _, downstream := d.ports[local.Port()]; downstream {
		return bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_DOWNSTREAM), Id: uint32(local.Port())}, true
	}
	backend, upstream := d.endpoints.first[unmap(remote)]
	return bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_UPSTREAM), Id: backend}, upstream
}
