package graph

import (
	"cmp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Transport is what a backend is sent.
type Transport string

// The transports. A port of a Service that routes of several kinds lead to is a
// backend of its own for each, as they do not speak the same with it.
const (
	Requests    Transport = "requests"
	Connections Transport = "connections"
	Datagrams   Transport = "datagrams"
)

// transportOf returns what routes of a kind send to their backends.
func transportOf(kind string) Transport {
	switch kind {
	case KindTCPRoute, KindTLSRoute:
		return Connections
	case KindUDPRoute:
		return Datagrams
	}
	return Requests
}

// protocol is the protocol of a Service's port that takes the transport.
func (t Transport) protocol() corev1.Protocol {
	if t == Datagrams {
		return corev1.ProtocolUDP
	}
	return corev1.ProtocolTCP
}

// BackendKey identifies a port of a Service, and what it is sent.
type BackendKey struct {
	Service   types.NamespacedName
	Port      int32
	Transport Transport
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
	found := b.resolve(BackendKey{Service: name, Port: value(source.Port, 0), Transport: transportOf(route.Kind)})
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
	at := findPort(service, key)
	if at < 0 || key.Port < 1 || key.Port > 65535 {
		return missing("Service " + key.Service.String() + " has no port " + itoa(key.Port))
	}
	port := &service.Spec.Ports[at]
	if why := unsupportedProtocol(port, key.Transport); why != "" {
		return &resolution{reason: gatewayv1.RouteReasonUnsupportedProtocol,
			message: "port " + itoa(key.Port) + " of Service " + key.Service.String() + " " + why}
	}
	return b.endpoints(key, port)
}

func missing(message string) *resolution {
	return &resolution{reason: gatewayv1.RouteReasonBackendNotFound, message: message}
}

// findPort returns the index of the Service's port, or -1. A number may be
// there twice, for TCP and for UDP.
func findPort(service *corev1.Service, key BackendKey) int {
	numbered := -1
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		if port.Port != key.Port {
			continue
		}
		if protocolOfPort(port) == key.Transport.protocol() {
			return i
		}
		numbered = i
	}
	return numbered
}

func protocolOfPort(port *corev1.ServicePort) corev1.Protocol {
	if port.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return port.Protocol
}

func unsupportedProtocol(port *corev1.ServicePort, transport Transport) string {
	if protocol := protocolOfPort(port); protocol != transport.protocol() {
		return "is of protocol " + string(protocol)
	}
	// What is in a connection is between the client and the backend.
	if transport != Requests {
		return ""
	}
	if app := value(port.AppProtocol, httpAppProtocol); app != httpAppProtocol {
		return "has appProtocol " + strconv.Quote(app) + "; only " + strconv.Quote(httpAppProtocol) + " is supported"
	}
	return ""
}

// endpoints finds those of the Service's endpoints that the port leads to.
func (b *builder) endpoints(key BackendKey, port *corev1.ServicePort) *resolution {
	all := collectEndpoints(b.in.EndpointSlices[key.Service], port.Name, key.Transport.protocol())
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
		return cmp.Or(int(x.Key.Port-y.Key.Port), cmp.Compare(x.Key.Transport, y.Key.Transport))
	})
	return all
}
