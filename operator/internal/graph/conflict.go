package graph

import (
	"fmt"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// markConflicts finds the listeners that clients cannot be told apart for.
//
// Among those of the Gateway itself all are refused: the specification forbids
// to pick a winner (GatewaySpec.listeners, "Handling indistinct Listeners").
// Everywhere else whoever comes first stays: the Gateway, then the ListenerSets
// in their order, then the listeners of one in theirs (GEP-1713). Listeners that
// are refused for another reason open no port, so they conflict with nobody.
func markConflicts(own []*Listener, sets []*ListenerSet) {
	candidates := accepted(own)
	for i, l := range candidates {
		l.markConflict(append(candidates[:i:i], candidates[i+1:]...))
	}
	placed := accepted(own)
	for _, set := range sets {
		for _, l := range accepted(set.Listeners) {
			if l.markConflict(placed); l.Accepted() {
				placed = append(placed, l)
			}
		}
	}
	markOverlaps(placed)
}

func accepted(listeners []*Listener) []*Listener { return filter(listeners, (*Listener).Accepted) }

func (l *Listener) markConflict(others []*Listener) {
	var protocols, hostnames []string
	for _, other := range others {
		switch {
		case !l.samePort(other):
		case !l.compatible(other):
			protocols = append(protocols, fmt.Sprintf("%s (%s)", l.NameOf(other), other.Source.Protocol))
		case other.Hostname == l.Hostname:
			hostnames = append(hostnames, l.NameOf(other))
		}
	}
	if len(protocols) > 0 {
		l.conflicts(gatewayv1.ListenerReasonProtocolConflict,
			"port %d is asked for with protocol %s, and it cannot be shared with: %s",
			l.Source.Port, l.Source.Protocol, strings.Join(protocols, ", "))
	}
	if len(hostnames) > 0 {
		l.conflicts(gatewayv1.ListenerReasonHostnameConflict,
			"port %d with hostname %q is also asked for by: %s",
			l.Source.Port, l.Hostname, strings.Join(hostnames, ", "))
	}
}

// NameOf names another listener of the Gateway for whoever reads the status of
// this one. Owners of ListenerSets are told nothing of other namespaces.
func (l *Listener) NameOf(other *Listener) string {
	if l.Set == nil {
		return other.ID()
	}
	own := gatewayv1.Namespace(l.Set.Source.Namespace)
	namespace := value(l.Set.Source.Spec.ParentRef.Namespace, own)
	if other.Set != nil {
		namespace = gatewayv1.Namespace(other.Set.Source.Namespace)
	}
	if namespace != own {
		return "a listener of another namespace"
	}
	return other.ID()
}

// samePort says whether the two are on one socket. A port of TCP and one of UDP
// have nothing to do with each other.
func (l *Listener) samePort(other *Listener) bool {
	return l.Source.Port == other.Source.Port && l.protocol.datagrams == other.protocol.datagrams
}

// compatible says whether hostnames can tell the two apart: in the Host of a
// request, or in the server name of a TLS hello.
func (l *Listener) compatible(other *Listener) bool {
	return l.protocol.byHostname && other.protocol.byHostname && l.protocol.secure == other.protocol.secure
}

func (l *Listener) conflicts(reason gatewayv1.ListenerConditionReason, format string, args ...any) {
	l.Problems.Add(string(gatewayv1.ListenerConditionConflicted), string(reason), format, args...)
	l.refuse(reason, format, args...)
}
