package store

import (
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
)

// GatewayServices returns the Services that the filters of the Gateway's
// listeners ask, each once.
func GatewayServices(gateway *gatewayv1.Gateway) []types.NamespacedName {
	return askedByGateway(gateway, "", "Service")
}

// GatewayXBackends is GatewayServices for XBackends, as XBackends has them.
func GatewayXBackends(gateway *gatewayv1.Gateway) []types.NamespacedName {
	return within(gateway.Namespace, askedByGateway(gateway, gatewayxv1alpha1.GroupName, KindXBackend))
}

// ListenerSetServices is GatewayServices for a ListenerSet.
func ListenerSetServices(set *gatewayv1.ListenerSet) []types.NamespacedName {
	return askedBySet(set, "", "Service")
}

// ListenerSetXBackends is GatewayXBackends for a ListenerSet.
func ListenerSetXBackends(set *gatewayv1.ListenerSet) []types.NamespacedName {
	return within(set.Namespace, askedBySet(set, gatewayxv1alpha1.GroupName, KindXBackend))
}

func askedByGateway(gateway *gatewayv1.Gateway, group, kind string) (keys []types.NamespacedName) {
	for i := range gateway.Spec.Listeners {
		keys = merge(keys, asked(gateway.Namespace, gateway.Spec.Listeners[i].Filters, group, kind))
	}
	return keys
}

func askedBySet(set *gatewayv1.ListenerSet, group, kind string) (keys []types.NamespacedName) {
	for i := range set.Spec.Listeners {
		keys = merge(keys, asked(set.Namespace, set.Spec.Listeners[i].Filters, group, kind))
	}
	return keys
}

// asked are the objects of a kind that filters ask.
func asked(namespace string, filters *gatewayv1.ListenerFilters, group, kind string) (keys []types.NamespacedName) {
	if filters == nil {
		return nil
	}
	for i := range filters.Requests {
		auth := filters.Requests[i].ExternalAuth
		if auth == nil || or(auth.BackendRef.Group, "") != group || or(auth.BackendRef.Kind, "Service") != kind {
			continue
		}
		key := types.NamespacedName{Namespace: or(auth.BackendRef.Namespace, namespace), Name: string(auth.BackendRef.Name)}
		keys = merge(keys, []types.NamespacedName{key})
	}
	return keys
}
