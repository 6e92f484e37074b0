package graph

import (
	"cmp"
	"slices"
	"strings"
)

// claim is a hostname of a listener.
type claim struct {
	listener *Listener
	hostname string
}

// settleServerNames takes from each route below HTTP the server names for which
// another one is more specific by the hostnames that were written, not by what
// the listener leaves of them (TLSRouteSpec.hostnames). Among equally specific
// ones the oldest serves, which the proxies see to. What a route loses here is
// not what attaches it.
func settleServerNames(routes []*Route) {
	best := make(map[claim]string)
	eachClaim(routes, func(route *Route, a *Attachment) {
		for _, name := range a.Hostnames {
			c, written := claim{a.Listener, name}, route.written(name)
			if have, taken := best[c]; !taken || compareSpecificity(written, have) > 0 {
				best[c] = written
			}
		}
	})
	eachClaim(routes, func(route *Route, a *Attachment) {
		a.Hostnames = slices.DeleteFunc(a.Hostnames, func(name string) bool {
			return compareSpecificity(route.written(name), best[claim{a.Listener, name}]) < 0
		})
	})
}

// noteWritten keeps the hostnames of HTTPRoutes and GRPCRoutes as they were
// written, where a listener leaves the same of different ones: the more specific
// takes precedence there (HTTPRouteSpec.hostnames,
// GatewayRouteHostnameIntersectionPrecedence).
func noteWritten(routes []*Route) writing {
	notes := make(writing)
	eachAttachment(routes, routesRequests, func(route *Route, a *Attachment) {
		for _, name := range a.Hostnames {
			notes.add(claim{a.Listener, name}, route.written(name))
		}
	})
	eachAttachment(routes, routesRequests, func(route *Route, a *Attachment) {
		if !slices.ContainsFunc(a.Hostnames, func(name string) bool { return notes[claim{a.Listener, name}].differ }) {
			return
		}
		for _, name := range a.Hostnames {
			a.Written = append(a.Written, route.written(name))
		}
	})
	return notes
}

func routesRequests(r *Route) bool { return r.Kind == KindHTTPRoute || r.Kind == KindGRPCRoute }

// writing is what the routes with a claim have written to come to it.
type writing map[claim]written

// written is the first of what they have written, how many they are, and whether
// somebody has written something else.
type written struct {
	hostname string
	routes   int
	differ   bool
}

// add enters a route, and says whether that changes nothing for the others.
func (w writing) add(c claim, hostname string) bool {
	have, taken := w[c]
	if !taken {
		have.hostname = hostname
	}
	have.routes++
	have.differ = have.differ || have.hostname != hostname
	w[c] = have
	return !have.differ
}

// remove takes a route out again, and says whether that changes nothing for the
// others.
func (w writing) remove(c claim) bool {
	have := w[c]
	if have.routes--; have.routes <= 0 {
		delete(w, c)
	} else {
		w[c] = have
	}
	return !have.differ
}

// eachClaim visits the attachments to listeners that tell routes apart by server
// name alone.
func eachClaim(routes []*Route, visit func(*Route, *Attachment)) {
	eachAttachment(routes, func(r *Route) bool { return transportOf(r.Kind) == Connections && r.Valid() }, visit)
}

// eachAttachment visits those of the routes that are wanted.
func eachAttachment(routes []*Route, wanted func(*Route) bool, visit func(*Route, *Attachment)) {
	for _, route := range routes {
		if !wanted(route) {
			continue
		}
		for _, parent := range route.Parents {
			for i := range parent.Attachments {
				visit(route, &parent.Attachments[i])
			}
		}
	}
}

// written returns the most specific of the route's hostnames that covers the
// name, and nothing for a route without hostnames.
func (r *Route) written(name string) string {
	var best string
	for _, hostname := range r.hostnames {
		if (hostname == name || covers(hostname, name)) && compareSpecificity(hostname, best) > 0 {
			best = hostname
		}
	}
	return best
}

// compareSpecificity is positive when a is the more specific hostname of two
// that cover the same name: exact ones before wildcards, then longer ones.
func compareSpecificity(a, b string) int {
	exact := func(hostname string) int {
		if hostname == "" || strings.HasPrefix(hostname, "*") {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(exact(a), exact(b)), cmp.Compare(len(a), len(b)))
}
