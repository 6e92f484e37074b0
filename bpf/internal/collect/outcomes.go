package collect

import "github.com/fleetgate/fleetgate/api/probe/v1"

// ended are requests, or handshakes, that have ended alike since the last look.
type ended struct {
	outcome probe.Outcome
	n       uint64
	route   *routeLabels
	// backend is empty when there was none.
	backend string
}

func (l *ledger) readOutcomes(state *State) error {
	l.ended = l.ended[:0]
	if state.Requests == nil {
		return nil
	}
	return state.Requests.Outcomes(func(o probe.Outcome, n uint64) {
		if added := l.before.outcome(o, n); added > 0 {
			e := ended{outcome: o, n: added, route: l.directory.route(o.Series())}
			if id := o.Backend(); id != 0 {
				e.backend = l.directory.backend(id)
			}
			l.ended = append(l.ended, e)
			l.stir(o)
		}
	})
}

// stir takes note of whose cells requests have changed that ended so.
func (l *ledger) stir(o probe.Outcome) {
	if o == probe.OverflowOutcome {
		l.stirred.series.addAll()
		l.stirred.backends.addAll()
		return
	}
	l.stirred.series.add(o.Series())
	if o.Backend() != 0 {
		l.stirred.backends.add(o.Backend())
	}
}

func (l *ledger) countOutcomes() {
	for i := range l.ended {
		e := &l.ended[i]
		route := e.route
		if route.handshakes {
			for _, own := range l.listeners.of(route.listener()).both {
				own.handshake(probe.Handshake(e.outcome.Status()), e.n)
			}
			continue
		}
		account := l.routes.of(route.key)
		for _, s := range account.both {
			s.outcome(route.rule, e.outcome, e.n)
		}
		if e.backend == "" {
			continue
		}
		a := attempt{other, codeName(soundStatus(e.outcome.Status())), resultName(e.outcome.Flags())}
		if account != l.routes.rest {
			a.route = route.key.Value().route
		}
		for _, r := range l.backends.of(e.backend).both {
			r.attempt(a, e.n)
		}
	}
}
