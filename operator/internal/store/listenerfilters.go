package store

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// GatewayServices returns the Services that the filters of the Gateway's
// listeners ask, each once.
func GatewayServices(gateway *gatewayv1.Gateway) []types.NamespacedName {
	var keys []types.NamespacedName
	for i := range gateway.Spec.Listeners {
		keys = addServices(keys, gateway.Namespace, gateway.Spec.Listeners[i].Filters)
	}
	return keys
}

// ListenerSetServices is GatewayServices for a ListenerSet.
func ListenerSetServices(set *gatewayv1.ListenerSet) []types.NamespacedName {
	var keys []types.NamespacedName
	for i := range set.Spec.Listeners {
		keys = addServices(keys, set.Namespace, set.Spec.Listeners[i].Filters)
	}
	return keys
}

func addServices(keys []types.NamespacedName, namespace string, filters *gatewayv1.ListenerFilters) []types.NamespacedName {
	if filters == nil {
		return keys
	}
	for i := range filters.Requests {
		auth := filters.Requests[i].ExternalAuth
		if auth == nil || !is(auth.BackendRef.Group, "") || !is(auth.BackendRef.Kind, "Service") {
			continue
		}
		key := types.NamespacedName{Namespace: or(auth.BackendRef.Namespace, namespace), Name: string(auth.BackendRef.Name)}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// withService returns the Gateways with a route to the Service, and those that ask
// it by a filter of a listener.
func withService(ctx context.Context, r client.Reader, service types.NamespacedName) ([]types.NamespacedName, error) {
	byRoutes, err := routesGateways(ctx, r, client.MatchingFields{RouteByService: service.String()})
	if err != nil {
		return nil, err
	}
	by := client.MatchingFields{GatewayByService: service.String()}
	bySets, err := listenerSetsGateways(ctx, r, by)
	if err != nil {
		return nil, err
	}
	own, err := gateways(ctx, r, by)
	return merge(merge(byRoutes, bySets), own), err
}
