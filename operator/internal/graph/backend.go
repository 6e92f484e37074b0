package graph

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// BackendKey identifies a port of a Service.
type BackendKey struct {
	Service types.NamespacedName
	Port    int32
}

// Backend is a port of a Service with the endpoints behind it.
type Backend struct {
	Key BackendKey
	// Endpoints are sorted by address and port, each once.
	Endpoints []Endpoint
}

// resolution is what became of a port of a Service, for all the references to
// it. A backend can have a problem and still serve: when some of its endpoints
// are forbidden, the others are not.
type resolution struct {
	backend *Backend
	reason  gatewayv1.RouteConditionReason
	message string
}

// ReasonForbiddenBackend is the reason of ResolvedRefs when a Service has
// endpoints that no route may lead to. The Gateway API has no reason for it.
const ReasonForbiddenBackend gatewayv1.RouteConditionReason = "ForbiddenBackend"

// httpAppProtocol is the one application protocol that backends are spoken to
// with; a Service port without any is taken for it.
const httpAppProtocol = "http"

// backendRef resolves one reference of a rule. An invalid one is kept with its
// weight, as its share of the requests is to be answered 500.
func (b *builder) backendRef(route *Route, rule *Rule, field string, source *gatewayv1.HTTPBackendRef) *BackendRef {
	ref := &BackendRef{HTTP: source, Weight: value(source.Weight, 1)}
	if ref.Weight < 0 || ref.Weight > 1_000_000 {
		rule.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.weight %d is not in [0, 1000000]", field, ref.Weight)
		ref.Weight = 0
	}
	group, kind := value(source.Group, ""), value(source.Kind, "Service")
	if group != "" || kind != "Service" {
		rule.unresolved(gatewayv1.RouteReasonInvalidKind,
			"%s names a %s of group %q; only Services are supported", field, kind, group)
		return ref
	}
	name := types.NamespacedName{
		Namespace: string(value(source.Namespace, gatewayv1.Namespace(route.Name.Namespace))),
		Name:      string(source.Name),
	}
	// Asked before the Service is looked at, so that nobody learns of another
	// namespace which Services it has.
	if !b.grants.allow(route.Kind, route.Name.Namespace, serviceObject(name)) {
		rule.unresolved(gatewayv1.RouteReasonRefNotPermitted,
			"%s: no ReferenceGrant in namespace %s lets %ss of namespace %s use Service %s",
			field, name.Namespace, route.Kind, route.Name.Namespace, name.Name)
		return ref
	}
	found := b.resolve(BackendKey{Service: name, Port: value(source.Port, 0)})
	if found.reason != "" {
		rule.unresolved(found.reason, "%s: %s", field, found.message)
	}
	ref.Backend = found.backend
	return ref
}

// resolve looks at each port of a Service once, however many rules lead to it.
func (b *builder) resolve(key BackendKey) *resolution {
	if known, ok := b.backends[key]; ok {
		return known
	}
	found := b.lookUp(key)
	b.backends[key] = found
	return found
}

func (b *builder) lookUp(key BackendKey) *resolution {
	service := b.in.Services[key.Service]
	if service == nil {
		return missing("Service " + key.Service.String() + " does not exist")
	}
	// An ExternalName leads to wherever its owner says, past every grant and
	// policy (CVE-2021-25740). To a route it is another kind of object.
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return &resolution{reason: gatewayv1.RouteReasonInvalidKind,
			message: "Service " + key.Service.String() + " is of type ExternalName, which is not supported"}
	}
	at := slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == key.Port })
	if at < 0 || key.Port < 1 || key.Port > 65535 {
		return missing("Service " + key.Service.String() + " has no port " + itoa(key.Port))
	}
	port := &service.Spec.Ports[at]
	if why := unsupportedProtocol(port); why != "" {
		return &resolution{reason: gatewayv1.RouteReasonUnsupportedProtocol,
			message: "port " + itoa(key.Port) + " of Service " + key.Service.String() + " " + why}
	}
	return b.endpoints(key, port)
}

func missing(message string) *resolution {
	return &resolution{reason: gatewayv1.RouteReasonBackendNotFound, message: message}
}

func unsupportedProtocol(port *corev1.ServicePort) string {
	if port.Protocol != "" && port.Protocol != corev1.ProtocolTCP {
		return "is of protocol " + string(port.Protocol)
	}
	if app := value(port.AppProtocol, httpAppProtocol); app != httpAppProtocol {
		return "has appProtocol " + strconv.Quote(app) + "; only " + strconv.Quote(httpAppProtocol) + " is supported"
	}
	return ""
}

// endpoints finds those of the Service's endpoints that the port leads to.
func (b *builder) endpoints(key BackendKey, port *corev1.ServicePort) *resolution {
	all := collectEndpoints(b.in.EndpointSlices[key.Service], port.Name)
	allowed, why := b.opts.Forbidden.split(all)
	found := &resolution{backend: &Backend{Key: key, Endpoints: allowed}}
	if why != "" {
		found.reason = ReasonForbiddenBackend
		found.message = "Service " + key.Service.String() + " has endpoints that are not used: " + why
	}
	return found
}

// resolved returns the backends that can be served.
func (b *builder) resolved() []*Backend {
	var all []*Backend
	for _, found := range b.backends {
		if found.backend != nil {
			all = append(all, found.backend)
		}
	}
	slices.SortFunc(all, func(x, y *Backend) int {
		if byService := compareNames(x.Key.Service, y.Key.Service); byService != 0 {
			return byService
		}
		return int(x.Key.Port - y.Key.Port)
	})
	return all
}
