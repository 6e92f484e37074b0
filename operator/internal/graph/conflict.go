package graph

import (
	"fmt"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// markConflicts finds the listeners that requests cannot be told apart for.
// All of them are refused: the specification forbids to pick a winner
// (GatewaySpec.listeners, "Handling indistinct Listeners"). Listeners that are
// refused for another reason open no port, so they conflict with nobody.
func markConflicts(listeners []*Listener) {
	byPort := make(map[gatewayv1.PortNumber][]*Listener)
	for _, l := range listeners {
		if l.Accepted() {
			byPort[l.Source.Port] = append(byPort[l.Source.Port], l)
		}
	}
	for _, sharing := range byPort {
		for i, l := range sharing {
			l.markConflict(sharing[:i:i], sharing[i+1:])
		}
	}
}

func (l *Listener) markConflict(before, after []*Listener) {
	var protocols, hostnames []string
	for _, other := range append(before, after...) {
		switch {
		case other.Source.Protocol != l.Source.Protocol:
			protocols = append(protocols, fmt.Sprintf("%s (%s)", other.Source.Name, other.Source.Protocol))
		case !l.protocol.byHostname || other.Hostname == l.Hostname:
			hostnames = append(hostnames, string(other.Source.Name))
		}
	}
	if len(protocols) > 0 {
		l.conflicts(gatewayv1.ListenerReasonProtocolConflict,
			"port %d is asked for with protocol %s, and with another one by: %s",
			l.Source.Port, l.Source.Protocol, strings.Join(protocols, ", "))
	}
	if len(hostnames) > 0 {
		l.conflicts(gatewayv1.ListenerReasonHostnameConflict,
			"port %d with hostname %q is also asked for by: %s",
			l.Source.Port, l.Hostname, strings.Join(hostnames, ", "))
	}
}

func (l *Listener) conflicts(reason gatewayv1.ListenerConditionReason, format string, args ...any) {
	l.Problems.Add(string(gatewayv1.ListenerConditionConflicted), string(reason), format, args...)
	l.refuse(reason, format, args...)
}
