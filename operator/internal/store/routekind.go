package store

import (
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Route is an object of one of the RouteKinds.
type Route = client.Object

// RouteKey identifies a route. Routes of different kinds may have the same
// namespace and name.
type RouteKey struct {
	Kind string
	types.NamespacedName
}

// RouteKind is a kind of routes.
type RouteKind struct {
	// Name is the kind, such as "HTTPRoute".
	Name string
	// Optional says that a cluster need not have the kind.
	Optional bool
	// New returns an empty object of the kind.
	New func() Route
	// NewList returns an empty list of the kind.
	NewList func() client.ObjectList
}

// RouteKinds returns all kinds of routes, in the order of their names.
func RouteKinds() []RouteKind {
	return []RouteKind{
		{
			Name: "GRPCRoute", Optional: true,
			New:     func() Route { return &gatewayv1.GRPCRoute{} },
			NewList: func() client.ObjectList { return &gatewayv1.GRPCRouteList{} },
		},
		{
			Name:    "HTTPRoute",
			New:     func() Route { return &gatewayv1.HTTPRoute{} },
			NewList: func() client.ObjectList { return &gatewayv1.HTTPRouteList{} },
		},
	}
}

// NewRoute returns an empty route of a kind, and nil for what is none.
func NewRoute(kind string) Route {
	for _, known := range RouteKinds() {
		if known.Name == kind {
			return known.New()
		}
	}
	return nil
}

// routeParts are those that all kinds of routes have.
type routeParts struct {
	kind     string
	spec     *gatewayv1.CommonRouteSpec
	status   *gatewayv1.RouteStatus
	backends func(add func(*gatewayv1.BackendObjectReference))
}

// partsOf returns the parts of a route, and false for an object that is none.
func partsOf(obj client.Object) (routeParts, bool) {
	switch r := obj.(type) {
	case *gatewayv1.HTTPRoute:
		return routeParts{"HTTPRoute", &r.Spec.CommonRouteSpec, &r.Status.RouteStatus, httpBackends(r)}, true
	case *gatewayv1.GRPCRoute:
		return routeParts{"GRPCRoute", &r.Spec.CommonRouteSpec, &r.Status.RouteStatus, grpcBackends(r)}, true
	}
	return routeParts{}, false
}

// KeyOf returns the key of a route, and false for an object that is none.
func KeyOf(obj client.Object) (RouteKey, bool) {
	parts, ok := partsOf(obj)
	return RouteKey{Kind: parts.kind, NamespacedName: client.ObjectKeyFromObject(obj)}, ok
}

// ParentRefs returns the parentRefs of a route, and nothing for any other
// object.
func ParentRefs(obj client.Object) []gatewayv1.ParentReference {
	parts, ok := partsOf(obj)
	if !ok {
		return nil
	}
	return parts.spec.ParentRefs
}

// StatusOf returns the part of a route that is its status, and nil for any
// other object.
func StatusOf(obj client.Object) *gatewayv1.RouteStatus {
	parts, _ := partsOf(obj)
	return parts.status
}

// each visits the objects of a list.
func each(list client.ObjectList, visit func(client.Object)) {
	// It fails for what is not a list, or holds anything but objects.
	_ = meta.EachListItem(list, func(item runtime.Object) error {
		visit(item.(client.Object))
		return nil
	})
}

func httpBackends(route *gatewayv1.HTTPRoute) func(func(*gatewayv1.BackendObjectReference)) {
	return func(add func(*gatewayv1.BackendObjectReference)) {
		for i := range route.Spec.Rules {
			rule := &route.Spec.Rules[i]
			mirrors(rule.Filters, add)
			for j := range rule.BackendRefs {
				add(&rule.BackendRefs[j].BackendObjectReference)
				mirrors(rule.BackendRefs[j].Filters, add)
			}
		}
	}
}

func mirrors(filters []gatewayv1.HTTPRouteFilter, add func(*gatewayv1.BackendObjectReference)) {
	for i := range filters {
		if mirror := filters[i].RequestMirror; mirror != nil {
			add(&mirror.BackendRef)
		}
	}
}

func grpcBackends(route *gatewayv1.GRPCRoute) func(func(*gatewayv1.BackendObjectReference)) {
	return func(add func(*gatewayv1.BackendObjectReference)) {
		for i := range route.Spec.Rules {
			rule := &route.Spec.Rules[i]
			grpcMirrors(rule.Filters, add)
			for j := range rule.BackendRefs {
				add(&rule.BackendRefs[j].BackendObjectReference)
				grpcMirrors(rule.BackendRefs[j].Filters, add)
			}
		}
	}
}

func grpcMirrors(filters []gatewayv1.GRPCRouteFilter, add func(*gatewayv1.BackendObjectReference)) {
	for i := range filters {
		if mirror := filters[i].RequestMirror; mirror != nil {
			add(&mirror.BackendRef)
		}
	}
}
