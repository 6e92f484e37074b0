package graph

import (
	"cmp"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ReasonHostnameConflict is the reason of Accepted when a route of another kind
// has the hostname already. The Gateway API has no reason of routes for it.
const ReasonHostnameConflict gatewayv1.RouteConditionReason = "HostnameConflict"

// settleRivals sees to it that the requests for a host are those of HTTPRoutes
// or of GRPCRoutes, and never of both. Where two of them share a host of a
// listener, the older one stays, then the one whose "namespace/name" comes first
// (GRPCRouteSpec.hostnames). One that is not accepted anyway stands back.
func settleRivals(routes []*Route) {
	settled := make(map[*Listener][]rival)
	for _, route := range slices.SortedStableFunc(slices.Values(routes), byAge) {
		if route.Kind != KindHTTPRoute && route.Kind != KindGRPCRoute {
			continue
		}
		for _, parent := range route.Parents {
			parent.yield(route, settled)
		}
		for _, parent := range route.Parents {
			for _, attachment := range parent.Attachments {
				settled[attachment.Listener] = append(settled[attachment.Listener], rival{route, attachment.Hostnames})
			}
		}
	}
}

// rival is a route with the hostnames that it has on a listener.
type rival struct {
	route     *Route
	hostnames []string
}

func byAge(a, b *Route) int {
	return cmp.Or(
		cmp.Compare(standing(a), standing(b)),
		a.Meta.CreationTimestamp.Compare(b.Meta.CreationTimestamp.Time),
		cmp.Compare(a.Name.String(), b.Name.String()),
		cmp.Compare(a.Kind, b.Kind),
	)
}

// standing is lower for a route that is accepted by itself.
func standing(r *Route) int {
	if r.Valid() {
		return 0
	}
	return 1
}

// yield gives up the attachments to listeners on which a route of another kind
// has one of the hostnames. The reference is refused when none is left.
func (p *Parent) yield(route *Route, settled map[*Listener][]rival) {
	var kept []Attachment
	var problem string
	for _, attachment := range p.Attachments {
		winner := attachment.rivalOf(route, settled[attachment.Listener])
		if winner == nil {
			kept = append(kept, attachment)
			continue
		}
		problem = "listener " + string(attachment.Listener.Source.Name) + " has " + winner.nameFor(route.Name.Namespace) +
			" for one of the hostnames, and a host has routes of one kind alone"
		p.Notes = append(p.Notes, problem)
	}
	p.Attachments = kept
	if problem != "" && len(kept) == 0 {
		p.refuse(ReasonHostnameConflict, "%s", problem)
	}
}

// nameFor names the route for whoever reads the status of one of a namespace.
func (r *Route) nameFor(namespace string) string {
	if r.Name.Namespace != namespace {
		return "some " + r.Kind + " of another namespace"
	}
	return r.Kind + " " + r.Name.String()
}

func (a *Attachment) rivalOf(route *Route, settled []rival) *Route {
	for _, other := range settled {
		if other.route.Kind != route.Kind && share(a.Hostnames, other.hostnames) {
			return other.route
		}
	}
	return nil
}

// share says whether some host has both a name of a and one of b.
func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool { return overlap(x, y) })
	})
}
