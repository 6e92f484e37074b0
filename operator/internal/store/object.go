package store

import (
	"iter"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// ObjectKey identifies what a Gateway can do without: a route, a ListenerSet, a policy,
// an XBackend, or parameters.
type ObjectKey struct {
	Kind string
	types.NamespacedName
}

// Object returns the object of a key, or nil.
func (r *Resources) Object(key ObjectKey) client.Object {
	if route := r.Route(RouteKey(key)); route != nil {
		return route
	}
	for other, object := range r.Others() {
		if other == key {
			return object
		}
	}
	return nil
}

// Others are the ListenerSets, the policies, the XBackends and the parameters, in no
// order.
func (r *Resources) Others() iter.Seq2[ObjectKey, client.Object] {
	return func(yield func(ObjectKey, client.Object) bool) {
		_ = eachOf(KindListenerSet, r.ListenerSets, yield) &&
			eachOf(KindBackendTLSPolicy, r.BackendTLSPolicies, yield) &&
			eachOf(KindTrafficPolicy, r.TrafficPolicies, yield) &&
			eachOf(KindTelemetryPolicy, r.TelemetryPolicies, yield) &&
			eachOf(KindXBackend, r.XBackends, yield) &&
			eachOf(v1alpha1.KindGatewayParameters, r.layers(), yield)
	}
}

func eachOf[T client.Object](kind string, objects map[types.NamespacedName]T, yield func(ObjectKey, client.Object) bool) bool {
	for name, object := range objects {
		if !yield(ObjectKey{kind, name}, object) {
			return false
		}
	}
	return true
}
