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
	var placed placement
	for _, l := range accepted(own) {
		placed.add(l)
	}
	for _, set := range sets {
		for _, l := range accepted(set.Listeners) {
			if l.markConflict(placed.rivals(l)); l.Accepted() {
				placed.add(l)
			}
		}
	}
	markOverlaps(placed.all)
}

// socket is where listeners wait for clients. A port of TCP and one of UDP have
// nothing to do with each other.
type socket struct {
	port      gatewayv1.PortNumber
	datagrams bool
}

func (l *Listener) socket() socket { return socket{l.Source.Port, l.protocol.datagrams} }

// placement are the listeners that have their place: no two of them conflict. It
// finds those that a new one conflicts with without a look at all of them.
type placement struct {
	all    []*Listener
	on     map[socket][]*Listener
	byName map[place]*Listener
}

// place is what a listener has for itself.
type place struct {
	socket
	hostname string
}

func (p *placement) add(l *Listener) {
	if p.on == nil {
		p.on, p.byName = make(map[socket][]*Listener), make(map[place]*Listener)
	}
	at := l.socket()
	p.all = append(p.all, l)
	p.on[at] = append(p.on[at], l)
	p.byName[place{at, l.Hostname}] = l
}

// rivals are the listeners that the listener may conflict with. Those of one
// socket are compatible with each other, and so the listener is with all of them
// or with none; in that case the first ones are enough to tell.
func (p *placement) rivals(l *Listener) []*Listener {
	there := p.on[l.socket()]
	if len(there) > 0 && !l.compatible(there[0]) {
		return there[:min(len(there), maxPeers)]
	}
	if rival := p.byName[place{l.socket(), l.Hostname}]; rival != nil {
		return []*Listener{rival}
	}
	return nil
}

func accepted(listeners []*Listener) []*Listener { return filter(listeners, (*Listener).Accepted) }

func (l *Listener) markConflict(others []*Listener) {
	var protocols, hostnames []string
	for _, other := range others {
		switch {
		case l.socket() != other.socket():
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

// compatible says whether hostnames can tell the two apart: in the Host of a
// request, or in the server name of a TLS hello.
func (l *Listener) compatible(other *Listener) bool {
	return l.protocol.byHostname && other.protocol.byHostname && l.protocol.secure == other.protocol.secure
}

func (l *Listener) conflicts(reason gatewayv1.ListenerConditionReason, format string, args ...any) {
	l.Problems.Add(string(gatewayv1.ListenerConditionConflicted), string(reason), format, args...)
	l.refuse(reason, format, args...)
}
