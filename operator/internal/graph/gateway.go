package graph

import (
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
)

// Gateway is the root of a Graph.
type Gateway struct {
	Source *gatewayv1.Gateway
	Class  *Class
	// Listeners are its own, in the order of the spec.
	Listeners []*Listener
	// ListenerSets are those that name the Gateway as their parent, allowed or
	// not, in the order of their precedence.
	ListenerSets []*ListenerSet
	// Requests are the IP addresses that the spec asks for, in its order.
	Requests []AddressRequest
	// Addresses are those of them that are named, and not of the cluster.
	Addresses []netip.Addr
	// ClusterIP is the first one that is named and of the cluster, or not valid.
	ClusterIP netip.Addr
	// ClientCertificate is what the Gateway presents to backends, or nil.
	ClientCertificate *Certificate
	// Parameters are those in effect, and Refusals what of them is not.
	Parameters parameters.Effective
	Refusals   []parameters.Refusal
	// Problems break the Gateway's own conditions; those of its listeners are on
	// the listeners.
	Problems conditions.Problems

	// setsByName are the ListenerSets: a route names one of thousands.
	setsByName map[types.NamespacedName]*ListenerSet
}

// Accepted says whether anything of the Gateway can be served. It is false
// when the Gateway itself is invalid, or when none of its listeners is
// accepted. A proxy fleet is only made for an accepted Gateway.
func (g *Gateway) Accepted() bool {
	if g.Problems.Has(string(gatewayv1.GatewayConditionAccepted)) {
		return false
	}
	return g.HasListener((*Listener).Accepted)
}

// HasListener says whether some listener of the Gateway, or of one of its ListenerSets,
// is such.
func (g *Gateway) HasListener(is func(*Listener) bool) bool {
	return slices.ContainsFunc(g.Listeners, is) ||
		slices.ContainsFunc(g.ListenerSets, func(set *ListenerSet) bool { return slices.ContainsFunc(set.Listeners, is) })
}

// AllListeners returns the Gateway's own listeners, followed by those of its
// ListenerSets.
func (g *Gateway) AllListeners() []*Listener {
	all := append(make([]*Listener, 0, len(g.Listeners)+len(g.ListenerSets)), g.Listeners...)
	for _, set := range g.ListenerSets {
		all = append(all, set.Listeners...)
	}
	return all
}

// Name returns the Gateway's namespace and name.
func (g *Gateway) Name() types.NamespacedName {
	return types.NamespacedName{Namespace: g.Source.Namespace, Name: g.Source.Name}
}

func (b *builder) gateway() *Gateway {
	source := b.in.Gateway
	g := &Gateway{Source: source, Class: BuildClass(b.in.Class, b.in.ClassParameters, b.in.MissingKinds, b.opts)}
	b.readParameters(g)
	g.checkAddresses()
	b.readClientCertificate(g)
	for i := range source.Spec.Listeners {
		g.Listeners = append(g.Listeners, b.listener(&source.Spec.Listeners[i], nil))
	}
	g.ListenerSets = b.listenerSets()
	g.setsByName = make(map[types.NamespacedName]*ListenerSet, len(g.ListenerSets))
	for _, set := range g.ListenerSets {
		g.setsByName[set.Name()] = set
	}
	markConflicts(g.Listeners, g.ListenerSets)
	return g
}

func (g *Gateway) refuse(reason gatewayv1.GatewayConditionReason, format string, args ...any) {
	g.Problems.Add(string(gatewayv1.GatewayConditionAccepted), string(reason), format, args...)
}
