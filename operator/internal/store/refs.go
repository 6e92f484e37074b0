package store

import (
	"cmp"
	"slices"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ParentGateways returns the Gateways that the route names as parents, each
// once, in the order of the references. Those that it reaches by a ListenerSet
// are not among them: see ParentListenerSets.
func ParentGateways(route Route) []types.NamespacedName {
	return parentsOf(route.GetNamespace(), ParentRefs(route), ParentGateway)
}

// ReportedGateways returns the Gateways that the route's status speaks of,
// whoever wrote the entry.
func ReportedGateways(route Route) []types.NamespacedName {
	return parentsOf(route.GetNamespace(), reportedRefs(route), ParentGateway)
}

func reportedRefs(route Route) []gatewayv1.ParentReference {
	status := StatusOf(route)
	refs := make([]gatewayv1.ParentReference, 0, len(status.Parents))
	for i := range status.Parents {
		refs = append(refs, status.Parents[i].ParentRef)
	}
	return refs
}

// parentsOf returns what of the references is of the kind that the function
// knows, each once.
func parentsOf(namespace string, refs []gatewayv1.ParentReference,
	parent func(string, *gatewayv1.ParentReference) (types.NamespacedName, bool)) []types.NamespacedName {
	var keys []types.NamespacedName
	for i := range refs {
		if key, ok := parent(namespace, &refs[i]); ok && !slices.Contains(keys, key) {
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

// readParent returns the object that a parentRef of a route names, if it is of some
// kind.
type readParent func(namespace string, ref *gatewayv1.ParentReference) (types.NamespacedName, bool)

// of says whether one of the route's parentRefs is to the parent.
func (read readParent) of(route Route, parent types.NamespacedName) bool {
	refs, namespace := ParentRefs(route), route.GetNamespace()
	return slices.ContainsFunc(refs, func(ref gatewayv1.ParentReference) bool {
		key, ok := read(namespace, &ref)
		return ok && key == parent
	})
}

// BackendServices returns the Services that the route's rules name, as backends
// as targets of mirrors or as authorization servers, each once and sorted.
func BackendServices(route Route) []types.NamespacedName {
	return backendsOf(route, "", "Service")
}

// BackendRefs returns the references of the route's rules to backends, to targets of mirrors
// and to authorization servers, in their order. They must not be changed.
func BackendRefs(route Route) (refs []*gatewayv1.BackendObjectReference) {
	if parts, ok := partsOf(route); ok {
		parts.backends(func(ref *gatewayv1.BackendObjectReference) { refs = append(refs, ref) })
	}
	return refs
}

// backendsOf returns what of the route's references is of a kind, each once and sorted: it is
// asked of thousands of routes in a row, and a set for each would be most of what that takes.
func backendsOf(route Route, group, kind string) []types.NamespacedName {
	parts, ok := partsOf(route)
	if !ok {
		return nil
	}
	var keys []types.NamespacedName
	parts.backends(func(ref *gatewayv1.BackendObjectReference) {
		if or(ref.Group, "") == group && or(ref.Kind, "Service") == kind {
			keys = append(keys, types.NamespacedName{Namespace: or(ref.Namespace, route.GetNamespace()), Name: string(ref.Name)})
		}
	})
	slices.SortFunc(keys, compareKeys)
	return slices.Compact(keys)
}

func compareKeys(a, b types.NamespacedName) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

// l7Rule says where the references of a rule are: R is the rule's type, B that of
// its backendRefs, F that of its filters.
type l7Rule[R, B, F any] struct {
	parts  func(*R) ([]F, []B)
	ref    func(*B) (*gatewayv1.BackendObjectReference, []F)
	filter func(*F) []*gatewayv1.BackendObjectReference
}

func httpBackends(route *gatewayv1.HTTPRoute) func(func(*gatewayv1.BackendObjectReference)) {
	return l7Rule[gatewayv1.HTTPRouteRule, gatewayv1.HTTPBackendRef, gatewayv1.HTTPRouteFilter]{
		parts: func(r *gatewayv1.HTTPRouteRule) ([]gatewayv1.HTTPRouteFilter, []gatewayv1.HTTPBackendRef) {
			return r.Filters, r.BackendRefs
		},
		ref: func(b *gatewayv1.HTTPBackendRef) (*gatewayv1.BackendObjectReference, []gatewayv1.HTTPRouteFilter) {
			return &b.BackendObjectReference, b.Filters
		},
		filter: func(f *gatewayv1.HTTPRouteFilter) (refs []*gatewayv1.BackendObjectReference) {
			if f.RequestMirror != nil {
				refs = append(refs, &f.RequestMirror.BackendRef)
			}
			if f.ExternalAuth != nil {
				refs = append(refs, &f.ExternalAuth.BackendRef)
			}
			return refs
		},
	}.backends(route.Spec.Rules)
}

func grpcBackends(route *gatewayv1.GRPCRoute) func(func(*gatewayv1.BackendObjectReference)) {
	return l7Rule[gatewayv1.GRPCRouteRule, gatewayv1.GRPCBackendRef, gatewayv1.GRPCRouteFilter]{
		parts: func(r *gatewayv1.GRPCRouteRule) ([]gatewayv1.GRPCRouteFilter, []gatewayv1.GRPCBackendRef) {
			return r.Filters, r.BackendRefs
		},
		ref: func(b *gatewayv1.GRPCBackendRef) (*gatewayv1.BackendObjectReference, []gatewayv1.GRPCRouteFilter) {
			return &b.BackendObjectReference, b.Filters
		},
		filter: func(f *gatewayv1.GRPCRouteFilter) (refs []*gatewayv1.BackendObjectReference) {
			if f.RequestMirror != nil {
				refs = append(refs, &f.RequestMirror.BackendRef)
			}
			return refs
		},
	}.backends(route.Spec.Rules)
}

// backends visits what the rules and their filters lead to.
func (l l7Rule[R, B, F]) backends(rules []R) func(func(*gatewayv1.BackendObjectReference)) {
	return func(add func(*gatewayv1.BackendObjectReference)) {
		for i := range rules {
			filters, refs := l.parts(&rules[i])
			l.filters(filters, add)
			for j := range refs {
				ref, filters := l.ref(&refs[j])
				add(ref)
				l.filters(filters, add)
			}
		}
	}
}

func (l l7Rule[R, B, F]) filters(filters []F, add func(*gatewayv1.BackendObjectReference)) {
	for i := range filters {
		for _, ref := range l.filter(&filters[i]) {
			add(ref)
		}
	}
}

// CertificateSecrets returns the Secrets that the Gateway's listeners name as
// certificates, each once.
func CertificateSecrets(gateway *gatewayv1.Gateway) []types.NamespacedName {
	var keys []types.NamespacedName
	for i := range gateway.Spec.Listeners {
		keys = addSecrets(keys, gateway.Namespace, gateway.Spec.Listeners[i].TLS)
	}
	return keys
}

func addSecrets(keys []types.NamespacedName, namespace string, tls *gatewayv1.ListenerTLSConfig) []types.NamespacedName {
	if tls == nil {
		return keys
	}
	for i := range tls.CertificateRefs {
		ref := &tls.CertificateRefs[i]
		if !is(ref.Group, "") || !is(ref.Kind, "Secret") {
			continue
		}
		key := types.NamespacedName{Namespace: or(ref.Namespace, namespace), Name: string(ref.Name)}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
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
