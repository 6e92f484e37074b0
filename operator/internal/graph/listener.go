package graph

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

// Listener is one listener of the Gateway.
type Listener struct {
	Source *gatewayv1.Listener
	// Hostname is lower case; empty means any host.
	Hostname string
	// Kinds are those of the routes that can attach; never nil.
	Kinds []gatewayv1.RouteGroupKind
	// Certificates are the valid ones, in the order of the spec.
	Certificates []*Certificate
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

func (b *builder) listener(source *gatewayv1.Listener) *Listener {
	l := &Listener{Source: source, Kinds: []gatewayv1.RouteGroupKind{}}
	known := false
	if l.protocol, known = protocolOf(source.Protocol); !known {
		l.refuse(gatewayv1.ListenerReasonUnsupportedProtocol, "protocol %q is not supported", source.Protocol)
	}
	if source.Port < 1 || source.Port > 65535 {
		l.refuse(gatewayv1.ListenerReasonPortUnavailable, "port %d does not exist", source.Port)
	}
	if user, reserved := b.opts.ReservedPorts[source.Port]; reserved {
		l.refuse(gatewayv1.ListenerReasonPortUnavailable,
			"port %d is used by every proxy itself (%s)", source.Port, user)
	}
	l.checkHostname()
	l.checkUnsupported(b.in.Gateway.Spec.TLS)
	if known {
		l.resolveKinds()
	}
	l.resolveNamespaces()
	if l.protocol.terminates {
		b.resolveCertificates(l)
	}
	return l
}

func (l *Listener) checkHostname() {
	l.Hostname = strings.ToLower(string(value(l.Source.Hostname, "")))
	if l.Hostname != "" && !validHostname(l.Hostname) {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "hostname %q is not valid", l.Hostname)
	}
}

// checkUnsupported refuses what would be a security hole if it were ignored:
// a listener that is to authorise its clients does not serve without that.
func (l *Listener) checkUnsupported(tls *gatewayv1.GatewayTLSConfig) {
	if l.Source.Filters != nil && len(l.Source.Filters.Requests) > 0 {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "filters are not supported on listeners")
	}
	if !l.protocol.terminates {
		return
	}
	if validatesClients(tls, l.Source.Port) {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue,
			"the Gateway's spec.tls.frontend asks for the validation of client certificates on port %d, which is not supported",
			l.Source.Port)
	}
	if l.Source.TLS == nil {
		return
	}
	if mode := value(l.Source.TLS.Mode, gatewayv1.TLSModeTerminate); mode != gatewayv1.TLSModeTerminate {
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue,
			"tls.mode %q is not possible with protocol %s", mode, l.Source.Protocol)
	}
	if len(l.Source.TLS.Options) > 0 {
		l.Notes = append(l.Notes, "tls.options have no effect")
	}
}

func validatesClients(tls *gatewayv1.GatewayTLSConfig, port gatewayv1.PortNumber) bool {
	if tls == nil || tls.Frontend == nil {
		return false
	}
	for _, perPort := range tls.Frontend.PerPort {
		if perPort.Port == port {
			return perPort.TLS.Validation != nil
		}
	}
	return tls.Frontend.Default.Validation != nil
}

// resolveKinds keeps those of the allowed kinds that the protocol can carry.
func (l *Listener) resolveKinds() {
	group := gatewayv1.Group(gatewayv1.GroupName)
	if l.Source.AllowedRoutes == nil || len(l.Source.AllowedRoutes.Kinds) == 0 {
		for _, kind := range l.protocol.kinds {
			l.Kinds = append(l.Kinds, gatewayv1.RouteGroupKind{Group: &group, Kind: kind})
		}
		return
	}
	for i, allowed := range l.Source.AllowedRoutes.Kinds {
		got := value(allowed.Group, group)
		if got == group && slices.Contains(l.protocol.kinds, allowed.Kind) {
			l.Kinds = append(l.Kinds, gatewayv1.RouteGroupKind{Group: &group, Kind: allowed.Kind})
			continue
		}
		l.unresolved(gatewayv1.ListenerReasonInvalidRouteKinds,
			"allowedRoutes.kinds[%d]: %s of group %q cannot attach to a listener of protocol %s",
			i, allowed.Kind, got, l.Source.Protocol)
	}
}
