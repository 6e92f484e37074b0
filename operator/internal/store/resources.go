package store

import (
	"iter"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// Resources is everything that belongs to one Gateway: what it needs to be
// validated, rendered and provisioned, and nothing else. The objects are
// shared with the informer caches and must not be changed.
type Resources struct {
	// Class is the Gateway's class; nil when it does not exist or is not ours.
	Class   *gatewayv1.GatewayClass
	Gateway *gatewayv1.Gateway
	// ClassParameters are those that the class names, and OwnParameters those that
	// the Gateway does; nil where there are none.
	ClassParameters, OwnParameters *v1alpha1.GatewayParameters
	// LastParameters is what was in effect of them for the proxies' settings, and nil
	// where that is not known. Who collects sets it.
	LastParameters *v1alpha1.GatewayParametersSpec
	// HTTPRoutes have at least one parentRef to the Gateway, or to one of its
	// ListenerSets, or are such that a default Gateway may claim.
	HTTPRoutes map[types.NamespacedName]*gatewayv1.HTTPRoute
	// GRPCRoutes have at least one such parentRef.
	GRPCRoutes map[types.NamespacedName]*gatewayv1.GRPCRoute
	// L4Routes are the TLSRoutes, TCPRoutes and UDPRoutes with at least one such
	// parentRef.
	L4Routes map[RouteKey]Route
	// ListenerSets are those that name the Gateway as their parent.
	ListenerSets map[types.NamespacedName]*gatewayv1.ListenerSet
	// Grants are those in the namespaces that the Gateway or its routes point
	// to, sorted by namespace and name.
	Grants []*gatewayv1.ReferenceGrant
	// Namespaces are those of the Gateway, its routes and its ListenerSets, for
	// their labels.
	Namespaces map[string]*corev1.Namespace
	// Services are those that exist of the ones that the routes name as backends, the
	// listeners' filters as servers, and telemetry policies as collectors.
	Services map[types.NamespacedName]*corev1.Service
	// EndpointSlices are keyed by their Service.
	EndpointSlices map[types.NamespacedName][]*discoveryv1.EndpointSlice
	// APIServers is the EndpointSlice in which the API servers publish their own
	// addresses; nil if there is none.
	APIServers *discoveryv1.EndpointSlice
	// BackendTLSPolicies are those that target a Service that a route names, whether
	// it exists or not.
	BackendTLSPolicies map[types.NamespacedName]*gatewayv1.BackendTLSPolicy
	// TrafficPolicies are those that target such a Service, too, or one of XBackends.
	TrafficPolicies map[types.NamespacedName]*gatewayxv1alpha1.XBackendTrafficPolicy
	// XBackends are those that the routes, the listeners' filters and the telemetry
	// policies name and that exist.
	XBackends map[types.NamespacedName]*gatewayxv1alpha1.XBackend
	// XBackendSlices are the EndpointSlices of an XBackend's selector, those alone
	// that were made for it.
	XBackendSlices map[types.NamespacedName][]*discoveryv1.EndpointSlice
	// TelemetryPolicies are those that target the Gateway.
	TelemetryPolicies map[types.NamespacedName]*gatewayxv1alpha1.XTelemetryPolicy
	// Secrets are those that the listeners, the Gateway, a policy or an XBackend name
	// and that exist.
	Secrets map[types.NamespacedName]*corev1.Secret
	// ConfigMaps are those that the Gateway, a policy or an XBackend names as
	// authorities and that exist.
	ConfigMaps map[types.NamespacedName]*corev1.ConfigMap
	// TrustBundles are the ClusterTrustBundles of which the same holds, by name.
	TrustBundles map[string]*certificatesv1.ClusterTrustBundle
	// Detached are the routes whose status has an entry of the controller for the
	// Gateway although their spec does not name it any more.
	Detached []Route
	// Broken says of ListenerSets, policies, XBackends and parameters what is the matter
	// with them: their translation panics, and nothing but their metadata and targets is
	// read. Who translates sets it.
	Broken map[ObjectKey]string
	// Edition is what a Memory knows these resources by; nil for those of Collect.
	Edition *Edition
	// MissingKinds are the kinds that the cluster does not have, in no order. Who
	// collects sets them: see Collect.
	MissingKinds []string
}

// Policy returns a policy or an XBackend, or nil.
func (r *Resources) Policy(key PolicyKey) Policy {
	switch key.Kind {
	case KindBackendTLSPolicy:
		return r.BackendTLSPolicies[key.NamespacedName]
	case KindXBackend:
		return r.XBackends[key.NamespacedName]
	case KindTelemetryPolicy:
		return r.TelemetryPolicies[key.NamespacedName]
	}
	return r.TrafficPolicies[key.NamespacedName]
}

// Route returns a route, or nil.
func (r *Resources) Route(key RouteKey) Route {
	switch key.Kind {
	case "HTTPRoute":
		if route := r.HTTPRoutes[key.NamespacedName]; route != nil {
			return route
		}
	case "GRPCRoute":
		if route := r.GRPCRoutes[key.NamespacedName]; route != nil {
			return route
		}
	default:
		return r.L4Routes[key]
	}
	return nil
}

// drop takes a route away.
func (r *Resources) drop(key RouteKey) {
	switch key.Kind {
	case "HTTPRoute":
		delete(r.HTTPRoutes, key.NamespacedName)
	case "GRPCRoute":
		delete(r.GRPCRoutes, key.NamespacedName)
	default:
		delete(r.L4Routes, key)
	}
}

// Routes visits the routes of all kinds, in no order.
func (r *Resources) Routes() iter.Seq2[RouteKey, Route] {
	return func(yield func(RouteKey, Route) bool) {
		for key, route := range r.HTTPRoutes {
			if !yield(RouteKey{Kind: "HTTPRoute", NamespacedName: key}, route) {
				return
			}
		}
		for key, route := range r.GRPCRoutes {
			if !yield(RouteKey{Kind: "GRPCRoute", NamespacedName: key}, route) {
				return
			}
		}
		for key, route := range r.L4Routes {
			if !yield(key, route) {
				return
			}
		}
	}
}
