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
	if !hasKind(routes, KindHTTPRoute) || !hasKind(routes, KindGRPCRoute) {
		return
	}
	settled := make(settlement)
	for _, route := range slices.SortedStableFunc(slices.Values(routes), byAge) {
		if route.Kind != KindHTTPRoute && route.Kind != KindGRPCRoute {
			continue
		}
		for _, parent := range route.Parents {
			parent.yield(route, settled)
		}
		for _, parent := range route.Parents {
			for i := range parent.Attachments {
				settled.add(route, &parent.Attachments[i])
			}
		}
	}
}

func hasKind(routes []*Route, kind string) bool {
	return slices.ContainsFunc(routes, func(r *Route) bool { return r.Kind == kind })
}

// settlement has the hostnames of each listener by the kind of route that they are
// for.
type settlement map[settledKind]*hostClaims

type settledKind struct {
	listener *Listener
	kind     string
}

func (s settlement) add(route *Route, a *Attachment) {
	key := settledKind{a.Listener, route.Kind}
	if s[key] == nil {
		s[key] = newHostClaims()
	}
	for _, hostname := range a.Hostnames {
		s[key].add(hostname, route)
	}
}

// rivalOf returns the first route of the other kind that has a host of the
// attachment, or nil.
func (s settlement) rivalOf(route *Route, a *Attachment) *Route {
	other := KindHTTPRoute
	if route.Kind == KindHTTPRoute {
		other = KindGRPCRoute
	}
	if claims := s[settledKind{a.Listener, other}]; claims != nil {
		return claims.first(a.Hostnames)
	}
	return nil
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
func (p *Parent) yield(route *Route, settled settlement) {
	var kept []Attachment
	var problem string
	for _, attachment := range p.Attachments {
		winner := settled.rivalOf(route, &attachment)
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
