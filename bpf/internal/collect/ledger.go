package collect

import (
	"cmp"
	"errors"
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
	routes    *book[routeName, *served]
	backends  *book[string, *reached]
	listeners *book[string, *flow]
	sides     [len(sideNames)]side

	// These are of one look.
	ended []ended
	flows []flowing
}

// ended are requests that have ended alike since the last look.
type ended struct {
	outcome probe.Outcome
	n       uint64
}

// flowing is a flow as it was found. added is what it has counted since the last
// look, nil where that is nothing.
type flowing struct {
	key   bpf.L4FlowKey
	open  uint64
	added *bpf.L4Flow
}

func newLedger(d *Directory, most int) *ledger {
	return &ledger{
		directory: d, most: most, before: newBefore(),
		routes:    newBook(routeName{other, other}, leastServed, compareRoutes, newServed),
		backends:  newBook(other, leastReached, cmp.Compare[string], newReached),
		listeners: newBook(other, leastFlow, cmp.Compare[string], newFlow),
	}
}

// clear forgets everything.
func (l *ledger) clear() {
	l.before = newBefore()
	l.routes.clear()
	l.backends.clear()
	l.listeners.clear()
	l.sides = [len(sideNames)]side{}
}

// look counts what has come since the last look. What cannot be read is an error,
// and counted when it can.
func (l *ledger) look(state *State, sockets *sockets, now time.Time) error {
	err := errors.Join(l.readOutcomes(state), l.readFlows(state))
	l.giveNames(sockets, now)
	l.countOutcomes()
	l.countFlows()
	err = errors.Join(err, l.countCells(state))
	l.takeNames()
	return err
}

func (l *ledger) readOutcomes(state *State) error {
	l.ended = l.ended[:0]
	if state.Requests == nil {
		return nil
	}
	return state.Requests.Outcomes(func(o probe.Outcome, n uint64) {
		if added := l.before.outcome(o, n); added > 0 {
			l.ended = append(l.ended, ended{o, added})
		}
	})
}

func (l *ledger) readFlows(state *State) error {
	l.flows = l.flows[:0]
	if state.Connections == nil {
		return nil
	}
	settleErr := state.Connections.Settle()
	var added bpf.L4Flow
	err := state.Connections.Flows(func(key bpf.L4FlowKey, o *bpf.L4Flow) {
		f := flowing{key: key}
		if advance(l.before.flows, key, o, &added) {
			f.added = new(bpf.L4Flow)
			*f.added = added
		}
		if last := l.before.flows[key]; last != nil {
			f.open = openOf(last)
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
	routes, backends, listeners := l.weights(sockets)
	room := l.room()
	l.listeners.name(listeners, room/4, now)
	rest := (room - l.listeners.series()) / 2
	l.routes.name(routes, rest, now)
	l.backends.name(backends, rest, now)
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

// weights tell how busy everything is: how many requests and connections it has had
// since the last look, and has now.
func (l *ledger) weights(sockets *sockets) (routes map[routeName]uint64, backends, listeners map[string]uint64) {
	routes, backends, listeners = map[routeName]uint64{}, map[string]uint64{}, map[string]uint64{}
	for _, e := range l.ended {
		routes[l.directory.route(e.outcome.Series()).routeName] += e.n
		if id := e.outcome.Backend(); id != 0 {
			backends[l.directory.backend(id)] += e.n
		}
	}
	connected := func(e ends, n uint64) {
		if e.side == bpf.L4SideSIDE_UPSTREAM {
			backends[e.backend] += n
		} else {
			listeners[e.listener] += n
		}
	}
	for _, f := range l.flows {
		if f.added != nil {
			connected(l.directory.endsOf(f.key), f.added.Opened+1)
		}
	}
	for e, s := range sockets.open {
		connected(e, s.open)
	}
	for listener := range sockets.queues {
		listeners[listener]++
	}
	return routes, backends, listeners
}

func (l *ledger) countOutcomes() {
	for _, e := range l.ended {
		route := l.directory.route(e.outcome.Series())
		for _, s := range l.routes.of(route.routeName).both {
			s.outcome(route.rule, e.outcome, e.n)
		}
		if e.outcome.Backend() == 0 {
			continue
		}
		a := attempt{other, codeName(soundStatus(e.outcome.Status())), resultName(e.outcome.Flags())}
		if l.routes.named[route.routeName] != nil {
			a.route = route.route
		}
		for _, r := range l.backends.of(l.directory.backend(e.outcome.Backend())).both {
			r.attempt(a, e.n)
		}
	}
}

func (l *ledger) countFlows() {
	for _, f := range l.flows {
		if f.added == nil {
			continue
		}
		e, added := l.directory.endsOf(f.key), flowOf(f.added)
		l.sides[e.side].count(f.added)
		if e.side == bpf.L4SideSIDE_UPSTREAM {
			for _, r := range l.backends.of(e.backend).both {
				r.flow.merge(added)
			}
			continue
		}
		for _, own := range l.listeners.of(e.listener).both {
			own.merge(added)
		}
	}
}

func (l *ledger) countCells(state *State) error {
	if state.Requests == nil {
		return nil
	}
	var added probe.Cell
	return errors.Join(
		state.Requests.Series(func(id uint32, c *probe.Cell) {
			if !advance(l.before.series, id, c, &added) {
				return
			}
			route := l.directory.route(id)
			for _, s := range l.routes.of(route.routeName).both {
				s.cell(route.rule, &added)
			}
		}),
		state.Requests.Backends(func(id uint32, c *probe.Cell) {
			if !advance(l.before.backends, id, c, &added) {
				return
			}
			for _, r := range l.backends.of(l.directory.backend(id)).both {
				r.cell(&added)
			}
		}),
	)
}

// forget lets go of identifiers whose numbers were cleared, and of names that are no
// more.
func (l *ledger) forget(gone Gone) {
	l.before.forget(gone)
	routes, backends := l.directory.names()
	l.routes.keep(func(r routeName) bool { return routes[r] })
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
	l.routes.tell(func(r routeName, s *served) { s.tell(out, r) })
	l.backends.tell(func(backend string, r *reached) { r.tell(out, backend) })
	l.listeners.tell(func(listener string, f *flow) { f.tellListener(out, listener) })
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
		if l.before.flows[f.key] != nil { // some are made in advance
			open[l.shown(l.directory.endsOf(f.key))] += f.open
		}
	}
	for e, n := range open {
		out.gauge(connections, float64(n), e.labels()...)
	}
}
