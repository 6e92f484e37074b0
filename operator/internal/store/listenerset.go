package store

import (
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// KindListenerSet is the kind of ListenerSets.
const KindListenerSet = "ListenerSet"

// GatewayOf returns the Gateway that a ListenerSet names as its parent, and
// false when the reference is to another kind.
func GatewayOf(set *gatewayv1.ListenerSet) (types.NamespacedName, bool) {
	ref := &set.Spec.ParentRef
	if !is(ref.Group, gatewayv1.GroupName) || !is(ref.Kind, "Gateway") {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: or(ref.Namespace, set.Namespace), Name: string(ref.Name)}, true
}

// ParentListenerSet returns the ListenerSet that a parentRef in the given
// namespace means, and false when the reference is to another kind.
func ParentListenerSet(namespace string, ref *gatewayv1.ParentReference) (types.NamespacedName, bool) {
	if !is(ref.Group, gatewayv1.GroupName) || ref.Kind == nil || *ref.Kind != KindListenerSet {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: or(ref.Namespace, namespace), Name: string(ref.Name)}, true
}

// ParentListenerSets returns the ListenerSets that the route names as parents,
// each once.
func ParentListenerSets(route Route) []types.NamespacedName {
	return parentsOf(route.GetNamespace(), ParentRefs(route), ParentListenerSet)
}

// ReportedListenerSets returns the ListenerSets that the route's status speaks
// of, whoever wrote the entry.
func ReportedListenerSets(route Route) []types.NamespacedName {
	return parentsOf(route.GetNamespace(), reportedRefs(route), ParentListenerSet)
}

// ListenerSetSecrets returns the Secrets that the ListenerSet's listeners name
// as certificates, each once.
func ListenerSetSecrets(set *gatewayv1.ListenerSet) []types.NamespacedName {
	var keys []types.NamespacedName
	for i := range set.Spec.Listeners {
		keys = addSecrets(keys, set.Namespace, set.Spec.Listeners[i].TLS)
	}
	return keys
}
