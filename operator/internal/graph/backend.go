package graph

import (
	"cmp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// Transport is what a backend is sent.
type Transport string

// The transports. A port of a Service that routes of several kinds lead to is a
// backend of its own for each, as they do not speak the same with it.
const (
	Requests    Transport = "requests"
	Calls       Transport = "calls"
	Connections Transport = "connections"
	Datagrams   Transport = "datagrams"
)

// transportOf returns what routes of a kind send to their backends.
func transportOf(kind string) Transport {
	switch kind {
	case KindGRPCRoute:
		return Calls
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

// BackendKey identifies a port of a Service, or an XBackend, and what it is sent.
type BackendKey struct {
	// Kind is empty for a Service.
	Kind string
	// Service is the object's name, whatever its kind.
	Service   types.NamespacedName
	Port      int32
	Transport Transport
}

// Backend is a port of a Service, or an XBackend, with the endpoints behind it.
type Backend struct {
	Key BackendKey
	// Protocol is one of the contract's protocols of backends.
	Protocol string
	// TLS is nil for a backend that is reached in plaintext. Listeners that pass
	// TLS through make no use of it.
	TLS *BackendTLS
	// Distrust says why TLS is not valid, and is empty otherwise.
	Distrust string
	// RetryBudget is nil for the default.
	RetryBudget *proxyconfig.RetryBudget
	// Session is what rules have that keep no sessions of their own; nil for none.
	Session *proxyconfig.Session
	// Endpoints are sorted by address and port, each once.
	Endpoints []Endpoint
	// External is set where proxies resolve a name in place of Endpoints.
	External *proxyconfig.External
}

// resolution is what became of a port of a Service, for all the references to
// it. A backend can have a problem and still serve: when some of its endpoints
// are forbidden, the others are not.
type resolution struct {
	backend *Backend
	reason  gatewayv1.RouteConditionReason
	message string
	// abroad is what other namespaces are told in place of the message, where that
	// names objects that are none of their business; empty for the message.
	abroad string
}

// messageFor returns the message for who refers from a namespace into another.
func (r *resolution) messageFor(from, into string) string {
	if from != into && r.abroad != "" {
		return r.abroad
	}
	return r.message
}

// distrust says to somebody of the namespace why the backend's TLS is not valid.
func (b *Backend) distrust(namespace string) string {
	if b.Distrust != "" && namespace != b.Key.Service.Namespace {
		return "Service " + b.Key.Service.String() + " has a BackendTLSPolicy that is not valid; the status of that says why"
	}
	return b.Distrust
}

// ReasonForbiddenBackend is the reason of ResolvedRefs when a Service has
// endpoints that no route may lead to. The Gateway API has no reason for it.
const ReasonForbiddenBackend gatewayv1.RouteConditionReason = "ForbiddenBackend"

// backendRef resolves one reference of a rule. An invalid one is kept with its
// weight, as its share of the requests is to be answered 500.
func (b *builder) backendRef(route *Route, rule *Rule, field string, source *gatewayv1.HTTPBackendRef) *BackendRef {
	ref := &BackendRef{HTTP: source, Weight: value(source.Weight, 1)}
	if ref.Weight < 0 || ref.Weight > 1_000_000 {
		rule.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.weight %d is not in [0, 1000000]", field, ref.Weight)
		ref.Weight = 0
	}
	ref.Backend = b.serviceRef(route, rule, field, &source.BackendObjectReference)
	return ref
}

// serviceRef resolves a reference of a rule to a port of a Service, or to an
// XBackend, which is sent what routes of the kind send. It returns nil, and leaves
// a problem of ResolvedRefs, where that is not possible.
func (b *builder) serviceRef(route *Route, rule *Rule, field string, source *gatewayv1.BackendObjectReference) *Backend {
	return b.serviceRefBy(transportOf(route.Kind), route, rule, field, source)
}

// serviceRefBy is serviceRef for a backend that is sent something else.
func (b *builder) serviceRefBy(transport Transport, route *Route, rule *Rule, field string, source *gatewayv1.BackendObjectReference) *Backend {
	group, kind := value(source.Group, ""), value(source.Kind, "Service")
	name := types.NamespacedName{
		Namespace: string(value(source.Namespace, gatewayv1.Namespace(route.Name.Namespace))),
		Name:      string(source.Name),
	}
	key := BackendKey{Service: name, Port: value(source.Port, 0), Transport: transport}
	switch {
	case group == gatewayxv1alpha1.GroupName && kind == store.KindXBackend:
		key.Kind = store.KindXBackend
	case group != "" || kind != "Service":
		rule.unresolved(gatewayv1.RouteReasonInvalidKind,
			"%s names a %s of group %q; only Services and XBackends are supported", field, kind, group)
		return nil
	}
	// Asked before the backend is looked at, so that nobody learns of another
	// namespace which ones it has.
	if key.Kind == store.KindXBackend && name.Namespace != route.Name.Namespace {
		// No grant changes that (GEP-4894, Route Attachment and Consumer Overrides).
		rule.unresolved(gatewayv1.RouteReasonRefNotPermitted,
			"%s names XBackend %s, which is for those who refer to it from namespace %s alone", field, name, name.Namespace)
		return nil
	}
	if !b.grants.allow(route.Kind, route.Name.Namespace, serviceObject(name)) {
		rule.unresolved(gatewayv1.RouteReasonRefNotPermitted,
			"%s: no ReferenceGrant in namespace %s lets %ss of namespace %s use Service %s",
			field, name.Namespace, route.Kind, route.Name.Namespace, name.Name)
		return nil
	}
	found := b.resolve(key)
	if found.reason != "" {
		rule.unresolved(found.reason, "%s: %s", field, found.messageFor(route.Name.Namespace, name.Namespace))
	}
	return found.backend
}

// resolve looks at each port of a Service once, however many rules lead to it.
func (b *builder) resolve(key BackendKey) *resolution {
	b.recall.leads = append(b.recall.leads, key)
	if known, ok := b.backends[key]; ok {
		return known
	}
	found := b.lookUp(key)
	b.backends[key] = found
	b.recall.touch(key)
	return found
}

func (b *builder) lookUp(key BackendKey) *resolution {
	if key.Kind == store.KindXBackend {
		return b.lookUpXBackend(key)
	}
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
	return b.port(key, &service.Spec.Ports[at])
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

// port decides how a port is spoken to. Where HTTPRoutes and GRPCRoutes are served
// alike, they share one backend.
func (b *builder) port(key BackendKey, port *corev1.ServicePort) *resolution {
	spoken, why := speak(port, key.Transport)
	policy := b.policyOf(key, port.Name)
	if why == "" && spoken.needsTLS && policy == nil {
		why = "has appProtocol " + strconv.Quote(*port.AppProtocol) + ", and no BackendTLSPolicy says whom to trust"
	}
	if why != "" {
		return &resolution{reason: gatewayv1.RouteReasonUnsupportedProtocol,
			message: "port " + itoa(key.Port) + " of Service " + key.Service.String() + " " + why}
	}
	if other, _ := speak(port, Requests); key.Transport == Calls && other.protocol == spoken.protocol {
		key.Transport = Requests
		return b.resolve(key)
	}
	backend := &Backend{Key: key, Protocol: spoken.protocol}
	b.applyTraffic(backend)
	if policy != nil {
		backend.TLS = policy.TLS
	}
	found := b.endpoints(backend, b.in.EndpointSlices[key.Service], port.Name)
	if policy != nil && policy.TLS.Invalid != "" {
		backend.Distrust = "BackendTLSPolicy " + policy.Name().String() + " of Service " + key.Service.String() + " is not valid: " + policy.TLS.Invalid
		// With connections it depends on the listener: see checkTrust.
		if key.Transport != Connections {
			found.reason, found.message, found.abroad = ReasonInvalidPolicy, backend.Distrust, backend.distrust("")
		}
		if home := b.in.Gateway.Namespace; home != key.Service.Namespace {
			// The configuration is in the Gateway's namespace.
			hidden := *policy.TLS
			hidden.Invalid = backend.distrust(home)
			backend.TLS = &hidden
		}
	}
	return found
}

// endpoints finds those of the slices' endpoints that the port leads to.
func (b *builder) endpoints(backend *Backend, sources []*discoveryv1.EndpointSlice, portName string) *resolution {
	all := collectEndpoints(sources, portName, backend.Key.Transport.protocol())
	allowed, why := b.opts.Forbidden.split(all)
	backend.Endpoints = allowed
	found := &resolution{backend: backend}
	if why != "" {
		found.reason = ReasonForbiddenBackend
		found.message = cmp.Or(backend.Key.Kind, "Service") + " " + backend.Key.Service.String() + " has endpoints that are not used: " + why
	}
	return found
}

// resolved returns the backends that can be served.
func (b *builder) resolved() []*Backend {
	if b.recall.tookOver {
		return b.renewed(b.recall.before.resolved)
	}
	all := make([]*Backend, 0, len(b.backends))
	for _, found := range b.backends {
		if found.backend != nil {
			all = append(all, found.backend)
		}
	}
	slices.SortFunc(all, CompareBackends)
	return slices.CompactFunc(all, func(a, b *Backend) bool { return a.Key == b.Key })
}

// renewed are the backends that were resolved before, with those that were looked at
// since.
func (b *builder) renewed(before []*Backend) []*Backend {
	spare, after := b.recall.before.spareBackends, &b.recall.after
	if after.spareBackends = spare; len(b.recall.touched) == 0 {
		return before
	}
	all := append(spare[:0], before...)
	after.spareBackends = before
	for key := range b.recall.touched {
		at, known := slices.BinarySearchFunc(all, key, func(backend *Backend, key BackendKey) int { return compareKeys(backend.Key, key) })
		var now *Backend
		if found := b.backends[key]; found != nil && found.backend != nil && found.backend.Key == key {
			now = found.backend
		}
		switch {
		case now != nil && known:
			all[at] = now
		case now != nil:
			all = slices.Insert(all, at, now)
		case known:
			all = slices.Delete(all, at, at+1)
		}
	}
	return all
}

// CompareBackends is the order of Graph.Backends.
func CompareBackends(x, y *Backend) int {
	return compareKeys(x.Key, y.Key)
}

func compareKeys(x, y BackendKey) int {
	return cmp.Or(cmp.Compare(x.Kind, y.Kind), compareNames(x.Service, y.Service), cmp.Compare(x.Port, y.Port), cmp.Compare(x.Transport, y.Transport))
}
