package collect

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

// ledger turns what is counted by identifier into what is told by name, in no more
// series than it may have.
type ledger struct {
	directory *Directory
	// most is how many series there may be of what it tells.
	most int

	before    before
	routes    *book[routeKey, *served]
	backends  *book[string, *reached]
	listeners *book[string, *entered]
	sides     [len(sideNames)]side
	open      openBytes
	drops     drops
	// stirred are the series and backends whose cells have to be read.
	stirred struct{ series, backends stirred }

	// These are of one look.
	ended   []ended
	flows   []flowing
	weights weights
}

// flowing is a flow as it was found.
type flowing struct {
	key bpf.L4FlowKey
	// used says that it has ever counted anything: some are made in advance.
	used bool
	open uint64
	// opened and added are what it has counted since the last look.
	opened uint64
	added  []figure
}

func newLedger(d *Directory, most int) *ledger {
	return &ledger{
		directory: d, most: most, before: newBefore(), weights: newWeights(), open: newOpenBytes(),
		routes:    newBook(noRoute.key, leastServed, compareRoutes, newServed),
		backends:  newBook(other, leastReached, cmp.Compare[string], newReached),
		listeners: newBook(other, leastEntered, cmp.Compare[string], newEntered),
	}
}

// clear forgets everything.
func (l *ledger) clear() {
	l.before = newBefore()
	l.stirred = struct{ series, backends stirred }{}
	l.weights, l.open = newWeights(), newOpenBytes()
	l.routes.clear()
	l.backends.clear()
	l.listeners.clear()
	l.sides = [len(sideNames)]side{}
}

// look counts what has come since the last look. What cannot be read is an error,
// and counted when it can. The sockets are read by walk, which is nil where they are
// left alone.
func (l *ledger) look(state *State, walk walk, now time.Time) (sockets *sockets, err error) {
	err = errors.Join(l.readOutcomes(state), l.readFlows(state))
	sockets = l.readSockets(state, walk)
	l.giveNames(sockets, now)
	l.countOutcomes()
	l.countFlows()
	l.countDrops(sockets)
	err = errors.Join(err, l.countCells(state, now))
	l.takeNames()
	return sockets, err
}

func (l *ledger) readFlows(state *State) error {
	l.flows = l.flows[:0]
	if state.Connections == nil {
		return nil
	}
	settleErr := state.Connections.Settle()
	err := state.Connections.Flows(func(key bpf.L4FlowKey, o *bpf.L4Flow) {
		f := flowing{key: key, open: openOf(o)}
		f.added = slices.Clone(l.before.flows.advance(key, o))
		f.used = l.before.flows.counted[key] != nil
		if len(f.added) > 0 && f.added[0].place == placeOpened {
			f.opened = f.added[0].n
		}
		l.flows = append(l.flows, f)
	})
	return errors.Join(err, settleErr)
}

// openOf returns how many connections are open. One may open or end while the
// numbers are read.
func openOf(o *bpf.L4Flow) uint64 {
	var ended uint64
	for _, n := range o.Closed {
		ended += n
	}
	return max(o.Opened, ended) - ended
}

// giveNames names the busiest, of each kind in its share of what there is room for:
// listeners get up to a quarter, routes and backends half each of what these leave.
func (l *ledger) giveNames(sockets *sockets, now time.Time) {
	l.weigh(sockets)
	room := l.room()
	l.listeners.name(l.weights.listeners, room/4, now)
	rest := (room - l.listeners.series()) / 2
	l.routes.name(l.weights.routes, rest, now)
	l.backends.name(l.weights.backends, rest, now)
}

// takeNames takes them again where there are more series than there may be.
func (l *ledger) takeNames() {
	for trimmed := true; trimmed; {
		room := l.room()
		trimmed = l.listeners.trim(room / 4)
		rest := (room - l.listeners.series()) / 2
		trimmed = l.routes.trim(rest) || trimmed
		trimmed = l.backends.trim(rest) || trimmed
	}
}

// restGauges are those of connections that are open now, of either side without a name.
const restGauges = 2*(flowGauges+1) + queueGauges

// room is how many series are left for what has a name.
func (l *ledger) room() int {
	rest := l.routes.restSeries() + l.backends.restSeries() + l.listeners.restSeries()
	return max(l.most-restGauges-rest, 0)
}

func (l *ledger) countFlows() {
	for _, f := range l.flows {
		if len(f.added) == 0 {
			continue
		}
		counted := recordOf(f.added)
		e, added := l.directory.endsOf(f.key), flowOf(&counted)
		l.sides[e.side].count(&counted)
		if e.side == bpf.L4SideSIDE_UPSTREAM {
			for _, r := range l.backends.of(e.backend).both {
				r.flow.merge(added)
			}
			continue
		}
		for _, own := range l.listeners.of(e.listener).both {
			own.flow.merge(added)
		}
	}
}

// countCells reads the cells that may have changed.
func (l *ledger) countCells(state *State, now time.Time) error {
	if state.Requests == nil {
		return nil
	}
	return errors.Join(
		state.Requests.Series(l.stirred.series.take(now), func(id uint32, c *probe.Cell) {
			if added := l.before.series.advance(id, c); len(added) > 0 {
				l.countSeries(l.directory.route(id), added)
			}
		}),
		state.Requests.Backends(l.stirred.backends.take(now), func(id uint32, c *probe.Cell) {
			added := l.before.backends.advance(id, c)
			if len(added) == 0 {
				return
			}
			for _, r := range l.backends.of(l.directory.backend(id)).both {
				r.cell(added)
			}
		}),
	)
}

func (l *ledger) countSeries(route *routeLabels, added []figure) {
	if route.handshakes {
		for _, own := range l.listeners.of(route.listener()).both {
			own.cell(added)
		}
		return
	}
	for _, s := range l.routes.of(route.key).both {
		s.cell(route.rule, added)
	}
}

// forget lets go of identifiers whose numbers were cleared, and of names that are no
// more.
func (l *ledger) forget(gone Gone) {
	l.before.forget(gone)
	for id := range gone.Backends {
		delete(l.open.told, bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_UPSTREAM), Id: id})
	}
	routes, backends := l.directory.names()
	l.routes.keep(func(r routeKey) bool { return routes[r] })
	l.backends.keep(func(b string) bool { return backends[b] })
}

// shown returns the ends by the names that are told.
func (l *ledger) shown(e ends) ends {
	switch {
	case e.side == bpf.L4SideSIDE_UPSTREAM && l.backends.named[e.backend] == nil:
		e.backend = other
	case e.side == bpf.L4SideSIDE_DOWNSTREAM && l.listeners.named[e.listener] == nil:
		e.listener = other
	}
	return e
}

// tell writes everything that was counted.
func (l *ledger) tell(out *scrape) {
	l.routes.tell(func(r routeKey, s *served) { s.tell(out, r.Value()) })
	l.backends.tell(func(backend string, r *reached) { r.tell(out, backend) })
	l.listeners.tell(func(listener string, own *entered) { own.tell(out, listener) })
	for i := range l.sides {
		if l.sides[i].counted {
			l.sides[i].tell(out, sideNames[i])
		}
	}
	l.tellOpen(out)
}

// tellOpen writes how many connections are open now.
func (l *ledger) tellOpen(out *scrape) {
	open := map[ends]uint64{}
	for _, f := range l.flows {
		if f.used {
			open[l.shown(l.directory.endsOf(f.key))] += f.open
		}
	}
	for e, n := range open {
		out.gauge(connections, float64(n), e.labels()...)
	}
}
