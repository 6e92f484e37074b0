package store

import (
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ParentGateways returns the Gateways that the route names as parents, each
// once, in the order of the references.
func ParentGateways(route Route) []types.NamespacedName {
	return gatewaysOf(route.GetNamespace(), ParentRefs(route))
}

// ReportedGateways returns the Gateways that the route's status speaks of,
// whoever wrote the entry.
func ReportedGateways(route Route) []types.NamespacedName {
	status := StatusOf(route)
	refs := make([]gatewayv1.ParentReference, 0, len(status.Parents))
	for i := range status.Parents {
		refs = append(refs, status.Parents[i].ParentRef)
	}
	return gatewaysOf(route.GetNamespace(), refs)
}

func gatewaysOf(namespace string, refs []gatewayv1.ParentReference) []types.NamespacedName {
	var keys []types.NamespacedName
	for i := range refs {
		if key, ok := ParentGateway(namespace, &refs[i]); ok && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// ParentGateway returns the Gateway that a parentRef in the given namespace
// means, and false when the reference is to another kind.
func ParentGateway(namespace string, ref *gatewayv1.ParentReference) (types.NamespacedName, bool) {
	if !is(ref.Group, gatewayv1.GroupName) || !is(ref.Kind, "Gateway") {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: or(ref.Namespace, namespace), Name: string(ref.Name)}, true
}

// BackendServices returns the Services that the route's rules name, as backends
// or as targets of mirrors, each once.
func BackendServices(route Route) []types.NamespacedName {
	parts, ok := partsOf(route)
	if !ok {
		return nil
	}
	seen := make(map[types.NamespacedName]struct{})
	var keys []types.NamespacedName
	parts.backends(func(ref *gatewayv1.BackendObjectReference) {
		if !is(ref.Group, "") || !is(ref.Kind, "Service") {
			return
		}
		key := types.NamespacedName{Namespace: or(ref.Namespace, route.GetNamespace()), Name: string(ref.Name)}
		if _, dup := seen[key]; !dup {
			seen[key] = struct{}{}
			keys = append(keys, key)
		}
	})
	return keys
}

// GatewaySecrets returns the Secrets that the Gateway names: as certificates of
// its listeners, and as the one that it presents to backends. Each is there once.
func GatewaySecrets(gateway *gatewayv1.Gateway) []types.NamespacedName {
	var keys []types.NamespacedName
	add := func(ref *gatewayv1.SecretObjectReference) {
		if !is(ref.Group, "") || !is(ref.Kind, "Secret") {
			return
		}
		key := types.NamespacedName{Namespace: or(ref.Namespace, gateway.Namespace), Name: string(ref.Name)}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for i := range gateway.Spec.Listeners {
		if tls := gateway.Spec.Listeners[i].TLS; tls != nil {
			for j := range tls.CertificateRefs {
				add(&tls.CertificateRefs[j])
			}
		}
	}
	if tls := gateway.Spec.TLS; tls != nil && tls.Backend != nil && tls.Backend.ClientCertificateRef != nil {
		add(tls.Backend.ClientCertificateRef)
	}
	return keys
}

// foreign returns the namespaces of keys other than home, each once.
func foreign(home string, keys []types.NamespacedName) []string {
	var namespaces []string
	for _, key := range keys {
		if key.Namespace != home && !slices.Contains(namespaces, key.Namespace) {
			namespaces = append(namespaces, key.Namespace)
		}
	}
	return namespaces
}

// serviceOf returns the Service that an EndpointSlice belongs to.
func serviceOf(slice *discoveryv1.EndpointSlice) (types.NamespacedName, bool) {
	name := slice.Labels[discoveryv1.LabelServiceName]
	return types.NamespacedName{Namespace: slice.Namespace, Name: name}, name != ""
}

// is reports whether an optional field of a reference has the value; when it
// is absent, the API's defaulting has it mean just that value.
func is[T ~string](field *T, value string) bool {
	return field == nil || string(*field) == value
}

func or[T ~string](field *T, fallback string) string {
	if field == nil || *field == "" {
		return fallback
	}
	return string(*field)
}
