package render

import (
	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// use is what a backend is there for.
type use uint8

const (
	// asksItself: the proxy has questions or reports of its own for it.
	asksItself use = 1 << iota
	// servesClients: it gets the requests of clients, or copies of them.
	servesClients
)

// reference is a use of the backend of an ID.
type reference struct {
	id   string
	what use
}

// referencesOf are those of a route. One that may not attach, in whatever namespace, adds
// nothing to the configuration.
func referencesOf(route *proxyconfig.Route) (all []reference) {
	for i := range route.Rules {
		rule := &route.Rules[i]
		for _, ref := range rule.Backends {
			all = append(all, reference{ref.Backend, servesClients})
		}
		for _, filter := range rule.Filters {
			if filter.Mirror != nil {
				all = append(all, reference{filter.Mirror.Backend, servesClients})
			}
			if filter.ExternalAuth != nil {
				all = append(all, reference{filter.ExternalAuth.Backend, asksItself})
			}
		}
	}
	return all
}

// ownReferences are those of the listeners and of tracing.
func ownReferences(listeners []proxyconfig.Listener, tracing *proxyconfig.Tracing) map[string]use {
	all := make(map[string]use)
	for i := range listeners {
		if filters := listeners[i].Filters; filters != nil {
			for _, filter := range filters.Requests {
				all[filter.ExternalAuth.Backend] |= asksItself
			}
		}
	}
	if tracing != nil {
		all[tracing.Collector] |= asksItself
	}
	return all
}

// tally counts the references of routes to one backend.
type tally struct{ asks, serves int }

func (t tally) use() (what use) {
	if t.asks > 0 {
		what |= asksItself
	}
	if t.serves > 0 {
		what |= servesClients
	}
	return what
}

// tallies are by the IDs of backends.
type tallies map[string]tally

// count adds references, or takes them away.
func (all tallies) count(refs []reference, by int) {
	for _, ref := range refs {
		t := all[ref.id]
		if ref.what == asksItself {
			t.asks += by
		} else {
			t.serves += by
		}
		if all[ref.id] = t; t == (tally{}) {
			delete(all, ref.id)
		}
	}
}
