package collect

import "github.com/fleetgate/fleetgate/bpf"

// weights tell how busy everything is: how many requests and connections it has had
// since the last look, and has now.
type weights struct {
	routes              map[routeKey]uint64
	backends, listeners map[string]uint64
}

func newWeights() weights {
	return weights{map[routeKey]uint64{}, map[string]uint64{}, map[string]uint64{}}
}

// weigh finds out how busy everything is.
func (l *ledger) weigh(sockets *sockets) {
	routes, backends, listeners := l.weights.routes, l.weights.backends, l.weights.listeners
	clear(routes)
	clear(backends)
	clear(listeners)
	for i := range l.ended {
		e := &l.ended[i]
		if e.route.handshakes {
			listeners[e.route.listener()] += e.n
		} else {
			routes[e.route.key] += e.n
		}
		if e.backend != "" {
			backends[e.backend] += e.n
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
		if len(f.added) > 0 {
			connected(l.directory.endsOf(f.key), f.opened+1)
		}
	}
	for e, s := range sockets.open {
		connected(e, s.open)
	}
	for listener := range sockets.queues {
		listeners[listener]++
	}
}
