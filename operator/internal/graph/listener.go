package graph

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

// Listener is one listener of the Gateway, or of one of its ListenerSets.
type Listener struct {
	Source *gatewayv1.Listener
	// Set is nil for a listener of the Gateway itself.
	Set *ListenerSet
	// Hostname is lower case; empty means any host.
	Hostname string
	// Kinds are those of the routes that can attach; never nil.
	Kinds []gatewayv1.RouteGroupKind
	// Certificates are the valid ones, in the order of the spec.
	Certificates []*Certificate
	// TLS are the options of a listener that terminates TLS, valid ones only.
	TLS TLSOptions
	// Validation is nil when clients are not asked for a certificate.
	Validation *ClientValidation
	// Overlaps are the listeners of the same port whose hostnames, told by TLS,
	// have some in common with this one's.
	Overlaps Peers
	// SharedCertificates are the listeners of the same port with a certificate for
	// some host that one of this listener's is for too.
	SharedCertificates Peers
	// Filters are what requests pass before they are routed, in this order.
	Filters []*ExternalAuth
	// Barred break Accepted as Problems do, but are of the filters alone: the
	// listener has its port and its hostname, and answers every request with 500.
	// Without it, its requests might be served by another listener, past the
	// filters.
	Barred conditions.Problems
	// Routes are those that are accepted on this listener, each once. They
	// count even when the listener itself is invalid.
	Routes []*Route
	// Problems break Accepted, ResolvedRefs or Conflicted.
	Problems conditions.Problems
	// Notes name the fields that are not supported and do no harm without.
	Notes []string

	protocol   protocol
	namespaces labels.Selector // nil: those of the Gateway alone
}

// ID tells the listener from all others of the Gateway and of its ListenerSets.
// The names of Kubernetes objects have no slash.
func (l *Listener) ID() string {
	if l.Set == nil {
		return string(l.Source.Name)
	}
	return l.Set.Name().String() + "/" + string(l.Source.Name)
}

// PortProtocol is the protocol of the listener's port.
func (l *Listener) PortProtocol() corev1.Protocol {
	if l.protocol.datagrams {
		return corev1.ProtocolUDP
	}
	return corev1.ProtocolTCP
}

// Accepted says whether the listener is valid by itself and beside the others.
func (l *Listener) Accepted() bool {
	return !l.Problems.Has(string(gatewayv1.ListenerConditionAccepted))
}

// Serves says whether a proxy gets to see the listener: it is accepted, some
// kind of route can attach to it, and if it needs certificates it has one.
func (l *Listener) Serves() bool {
	return l.Accepted() && len(l.Kinds) > 0 && (!l.protocol.terminates || len(l.Certificates) > 0)
}

func (l *Listener) refuse(reason gatewayv1.ListenerConditionReason, format string, args ...any) {
	l.Problems.Add(string(gatewayv1.ListenerConditionAccepted), string(reason), format, args...)
}

func (l *Listener) unresolved(reason gatewayv1.ListenerConditionReason, format string, args ...any) {
	l.Problems.Add(string(gatewayv1.ListenerConditionResolvedRefs), string(reason), format, args...)
}

// listener reads a listener of the Gateway, or of the ListenerSet if that is not
// nil.
func (b *builder) listener(source *gatewayv1.Listener, set *ListenerSet) *Listener {
	l := &Listener{Source: source, Set: set, Kinds: []gatewayv1.RouteGroupKind{}}
	known := false
	if l.protocol, known = protocolOf(source); !known {
		l.refuse(gatewayv1.ListenerReasonUnsupportedProtocol, "protocol %q is not supported", source.Protocol)
	}
	if source.Port < 1 || source.Port > 65535 {
		l.refuse(gatewayv1.ListenerReasonPortUnavailable, "port %d does not exist", source.Port)
	}
	// The reserved ports are of TCP.
	if user, reserved := b.opts.ReservedPorts[source.Port]; reserved && !l.protocol.datagrams {
		l.refuse(gatewayv1.ListenerReasonPortUnavailable,
			"port %d is used by every proxy itself (%s)", source.Port, user)
	}
	l.checkHostname()
	l.checkUnsupported()
	if known {
		b.resolveKinds(l)
	}
	l.resolveNamespaces()
	if l.protocol.terminates {
		b.resolveCertificates(l)
		l.readTLSOptions()
	}
	if source.Protocol == gatewayv1.HTTPSProtocolType {
		b.resolveValidation(l)
	}
	return l
}

func (l *Listener) checkHostname() {
	l.Hostname = strings.ToLower(string(value(l.Source.Hostname, "")))
	if l.Hostname != "" && !validHostname(l.Hostname) {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "hostname %q is not valid", l.Hostname)
	}
	if l.Hostname != "" && !l.protocol.byHostname && len(l.protocol.kinds) > 0 {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "protocol %s knows no hostname", l.Source.Protocol)
	}
}

// checkUnsupported refuses what must not be ignored: a listener that is to
// filter its requests or to be secure does not serve without that.
func (l *Listener) checkUnsupported() {
	if l.Source.Filters != nil && len(l.Source.Filters.Requests) > 0 && !l.routesRequests() {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "protocol %s knows no filters of requests", l.Source.Protocol)
	}
	if !l.protocol.secure {
		if l.Source.TLS != nil && len(l.protocol.kinds) > 0 {
			l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "protocol %s knows no tls", l.Source.Protocol)
		}
		return
	}
	mode := tlsMode(l.Source)
	passes := l.passesThrough()
	if mode != gatewayv1.TLSModeTerminate && !passes {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue,
			"tls.mode %q is not possible with protocol %s", mode, l.Source.Protocol)
	}
	if passes && len(l.Source.TLS.CertificateRefs) > 0 {
		l.Notes = append(l.Notes, "tls.certificateRefs have no effect with tls.mode Passthrough")
	}
}

// resolveKinds keeps those of the allowed kinds that the protocol can carry and
// the cluster has.
func (b *builder) resolveKinds(l *Listener) {
	group := gatewayv1.Group(gatewayv1.GroupName)
	kinds := slices.DeleteFunc(slices.Clone(l.protocol.kinds), func(kind gatewayv1.Kind) bool { return b.lacks(string(kind)) })
	if l.Source.AllowedRoutes == nil || len(l.Source.AllowedRoutes.Kinds) == 0 {
		for _, kind := range kinds {
			l.Kinds = append(l.Kinds, gatewayv1.RouteGroupKind{Group: &group, Kind: kind})
		}
		return
	}
	for i, allowed := range l.Source.AllowedRoutes.Kinds {
		got := value(allowed.Group, group)
		switch {
		case got == group && slices.Contains(kinds, allowed.Kind):
			l.Kinds = append(l.Kinds, gatewayv1.RouteGroupKind{Group: &group, Kind: allowed.Kind})
			continue
		case got == group && slices.Contains(l.protocol.kinds, allowed.Kind):
			l.unresolved(gatewayv1.ListenerReasonInvalidRouteKinds,
				"allowedRoutes.kinds[%d]: the cluster does not have the kind %s", i, allowed.Kind)
			continue
		}
		l.unresolved(gatewayv1.ListenerReasonInvalidRouteKinds,
			"allowedRoutes.kinds[%d]: %s of group %q cannot attach to a listener of protocol %s",
			i, allowed.Kind, got, l.Source.Protocol)
	}
}
