package store

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// RouteKind is a kind of routes. A cluster need not have any of them.
type RouteKind struct {
	// Name is the kind, such as "HTTPRoute".
	Name string
	// New returns an empty object of the kind.
	New func() Route
	// NewList returns an empty list of the kind.
	NewList func() client.ObjectList
}

// RouteKinds returns all kinds of routes, in the order of their names.
func RouteKinds() []RouteKind {
	return []RouteKind{
		{
			Name:    "GRPCRoute",
			New:     func() Route { return &gatewayv1.GRPCRoute{} },
			NewList: func() client.ObjectList { return &gatewayv1.GRPCRouteList{} },
		},
		{
			Name:    "HTTPRoute",
			New:     func() Route { return &gatewayv1.HTTPRoute{} },
			NewList: func() client.ObjectList { return &gatewayv1.HTTPRouteList{} },
		},
		{
			Name:    "TCPRoute",
			New:     func() Route { return &gatewayv1.TCPRoute{} },
			NewList: func() client.ObjectList { return &gatewayv1.TCPRouteList{} },
		},
		{
			Name:    "TLSRoute",
			New:     func() Route { return &gatewayv1.TLSRoute{} },
			NewList: func() client.ObjectList { return &gatewayv1.TLSRouteList{} },
		},
		{
			Name:    "UDPRoute",
			New:     func() Route { return &gatewayv1.UDPRoute{} },
			NewList: func() client.ObjectList { return &gatewayv1.UDPRouteList{} },
		},
	}
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
	case *gatewayv1.TCPRoute:
		return routeParts{"TCPRoute", &r.Spec.CommonRouteSpec, &r.Status.RouteStatus,
			l4Backends(r.Spec.Rules, func(rule gatewayv1.TCPRouteRule) []gatewayv1.BackendRef { return rule.BackendRefs })}, true
	case *gatewayv1.TLSRoute:
		return routeParts{"TLSRoute", &r.Spec.CommonRouteSpec, &r.Status.RouteStatus,
			l4Backends(r.Spec.Rules, func(rule gatewayv1.TLSRouteRule) []gatewayv1.BackendRef { return rule.BackendRefs })}, true
	case *gatewayv1.UDPRoute:
		return routeParts{"UDPRoute", &r.Spec.CommonRouteSpec, &r.Status.RouteStatus,
			l4Backends(r.Spec.Rules, func(rule gatewayv1.UDPRouteRule) []gatewayv1.BackendRef { return rule.BackendRefs })}, true
	}
	return routeParts{}, false
}

func l4Backends[R any](rules []R, refs func(R) []gatewayv1.BackendRef) func(func(*gatewayv1.BackendObjectReference)) {
	return func(add func(*gatewayv1.BackendObjectReference)) {
		for _, rule := range rules {
			backends := refs(rule)
			for i := range backends {
				add(&backends[i].BackendObjectReference)
			}
		}
	}
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

// MetaOf returns the metadata of a route.
func MetaOf(route Route) *metav1.ObjectMeta {
	return route.(metav1.ObjectMetaAccessor).GetObjectMeta().(*metav1.ObjectMeta)
}

// each visits the routes of a list.
func each(list client.ObjectList, visit func(Route)) {
	// It fails for what is not a list, or holds anything but objects.
	_ = meta.EachListItem(list, func(item runtime.Object) error {
		visit(item.(Route))
		return nil
	})
}
