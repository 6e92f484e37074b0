package controller

import (
	"maps"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// standIn returns the resources with a route in the place of each culprit that claims
// what that does and answers it with an error. It has no version, by which it would be
// taken for the culprit itself.
func standIn(resources *store.Resources, found []culprit) *store.Resources {
	if len(found) == 0 {
		return resources
	}
	out := ownRoutes(resources)
	for _, c := range found {
		switch c.key.Kind {
		case "HTTPRoute":
			out.HTTPRoutes[c.key.NamespacedName] = emptyHTTP(out.HTTPRoutes[c.key.NamespacedName], c.bare)
		case "GRPCRoute":
			out.GRPCRoutes[c.key.NamespacedName] = emptyGRPC(out.GRPCRoutes[c.key.NamespacedName], c.bare)
		default:
			out.L4Routes[c.key] = emptyL4(out.L4Routes[c.key])
		}
	}
	return out
}

func emptyHTTP(route *gatewayv1.HTTPRoute, bare bool) *gatewayv1.HTTPRoute {
	out := route.DeepCopy()
	out.ResourceVersion, out.Spec.Rules = "", nil
	for i := range route.Spec.Rules {
		if rule := &route.Spec.Rules[i]; !bare {
			out.Spec.Rules = append(out.Spec.Rules, gatewayv1.HTTPRouteRule{Name: rule.Name, Matches: rule.Matches})
		}
	}
	return out
}

func emptyGRPC(route *gatewayv1.GRPCRoute, bare bool) *gatewayv1.GRPCRoute {
	out := route.DeepCopy()
	out.ResourceVersion, out.Spec.Rules = "", nil
	for i := range route.Spec.Rules {
		if rule := &route.Spec.Rules[i]; !bare {
			out.Spec.Rules = append(out.Spec.Rules, gatewayv1.GRPCRouteRule{Name: rule.Name, Matches: rule.Matches})
		}
	}
	return out
}

// emptyL4 leaves no rules: these have no matches, and without a backend a connection is
// closed.
func emptyL4(route store.Route) store.Route {
	out := route.DeepCopyObject().(store.Route)
	out.SetResourceVersion("")
	switch out := out.(type) {
	case *gatewayv1.TCPRoute:
		out.Spec.Rules = nil
	case *gatewayv1.TLSRoute:
		out.Spec.Rules = nil
	case *gatewayv1.UDPRoute:
		out.Spec.Rules = nil
	}
	return out
}

// ownRoutes returns the resources with maps of routes that can be changed, and so with
// other routes than their edition has.
func ownRoutes(resources *store.Resources) *store.Resources {
	out := *resources
	out.Edition = nil
	out.HTTPRoutes, out.GRPCRoutes, out.L4Routes = maps.Clone(out.HTTPRoutes), maps.Clone(out.GRPCRoutes), maps.Clone(out.L4Routes)
	return &out
}
