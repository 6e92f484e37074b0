package controller

import (
	"maps"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// standIn returns the resources with a route in the place of each culprit that claims
// what that does and answers it with an error, and without the culprits that are no routes.
// They are of the same edition.
func standIn(resources *store.Resources, found []culprit) *store.Resources {
	if len(found) == 0 {
		return resources
	}
	out := *resources
	out.HTTPRoutes, out.GRPCRoutes, out.L4Routes = maps.Clone(out.HTTPRoutes), maps.Clone(out.GRPCRoutes), maps.Clone(out.L4Routes)
	out.Broken = maps.Clone(out.Broken)
	for i := range found {
		c := &found[i]
		if c.isRoute() {
			c.replace(&out)
			continue
		}
		if out.Broken == nil {
			out.Broken = make(map[store.ObjectKey]string)
		}
		out.Broken[c.key] = c.says()
	}
	return &out
}

// replace puts a stand-in for a route in its place.
func (c *culprit) replace(out *store.Resources) {
	name := c.key.NamespacedName
	var empty store.Route
	switch route := out.Route(store.RouteKey(c.key)).(type) {
	case nil:
		return // It is not looked at here.
	case *gatewayv1.HTTPRoute:
		http := emptyHTTP(route, c.bare)
		out.HTTPRoutes[name], empty = http, http
	case *gatewayv1.GRPCRoute:
		grpc := emptyGRPC(route, c.bare)
		out.GRPCRoutes[name], empty = grpc, grpc
	default:
		empty = emptyL4(route)
		out.L4Routes[store.RouteKey(c.key)] = empty
	}
	empty.SetUID(c.standInID())
}

// without returns the resources without some that are no routes.
func without(resources *store.Resources, keys []store.ObjectKey) *store.Resources {
	out := *resources
	out.Broken = maps.Clone(out.Broken)
	if out.Broken == nil {
		out.Broken = make(map[store.ObjectKey]string, len(keys))
	}
	for _, key := range keys {
		out.Broken[key] = "it is left out"
	}
	return &out
}

func emptyHTTP(route *gatewayv1.HTTPRoute, bare bool) *gatewayv1.HTTPRoute {
	out := route.DeepCopy()
	out.Spec.Rules = nil
	for i := range route.Spec.Rules {
		if rule := &route.Spec.Rules[i]; !bare {
			out.Spec.Rules = append(out.Spec.Rules, gatewayv1.HTTPRouteRule{Name: rule.Name, Matches: rule.Matches})
		}
	}
	return out
}

func emptyGRPC(route *gatewayv1.GRPCRoute, bare bool) *gatewayv1.GRPCRoute {
	out := route.DeepCopy()
	out.Spec.Rules = nil
	for i := range route.Spec.Rules {
		if rule := &route.Spec.Rules[i]; !bare {
			out.Spec.Rules = append(out.Spec.Rules, gatewayv1.GRPCRouteRule{Name: rule.Name, Matches: rule.Matches})
		}
	}
	return out
}

// plain returns the resources with one route, of which nothing is left but where it leads.
func plain(resources *store.Resources, key store.RouteKey) *store.Resources {
	out := only(resources, []store.RouteKey{key})
	switch route := out.Route(key).(type) {
	case *gatewayv1.HTTPRoute:
		bare := emptyHTTP(route, true)
		for _, ref := range store.BackendRefs(route) {
			bare.Spec.Rules = append(bare.Spec.Rules, gatewayv1.HTTPRouteRule{
				BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: *ref}}},
			})
		}
		out.HTTPRoutes[key.NamespacedName] = bare
	case *gatewayv1.GRPCRoute:
		bare := emptyGRPC(route, true)
		for _, ref := range store.BackendRefs(route) {
			bare.Spec.Rules = append(bare.Spec.Rules, gatewayv1.GRPCRouteRule{
				BackendRefs: []gatewayv1.GRPCBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: *ref}}},
			})
		}
		out.GRPCRoutes[key.NamespacedName] = bare
	}
	return out
}

// emptyL4 leaves no rules: these have no matches, and without a backend a connection is
// closed.
func emptyL4(route store.Route) store.Route {
	out := route.DeepCopyObject().(store.Route)
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

// noteStandIns notes what is to have stand-ins. Where that is not what had, and the changes
// do not tell of it, nothing is remembered of the graph.
func (m *memory) noteStandIns(resources *store.Resources, found []culprit) {
	changes, before := resources.Since(m.translated), m.stoodIn
	m.translated, m.stoodIn = resources.Edition, nil
	if len(found)+len(before) == 0 {
		return
	}
	m.stoodIn = make(map[types.UID]*culprit, len(found))
	for i := range found {
		m.stoodIn[found[i].standInID()] = &found[i]
	}
	if unheard(before, m.stoodIn, changes) || unheard(m.stoodIn, before, changes) {
		m.graph = graph.Memory{}
	}
}

// unheard says whether there are stand-ins that the others do not have, of which a
// translation that compares or follows changes would not hear.
func unheard(these, others map[types.UID]*culprit, changes *store.Changes) bool {
	for id, c := range these {
		if _, both := others[id]; both {
			continue
		}
		if !c.isRoute() {
			return true // Nothing is compared by what is broken.
		}
		if changes == nil {
			continue // All routes are compared, or nothing is remembered.
		}
		if _, heard := changes.Routes[store.RouteKey(c.key)]; !heard {
			return true
		}
	}
	return false
}
