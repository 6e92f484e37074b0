package graph

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// defaultRef is the parentRef that a route has not written, of a default Gateway
// that may claim it, or nil (GEP-3793). Who names the Gateway means what he names.
func (b *builder) defaultRef(source store.Route, gateway *Gateway) *gatewayv1.ParentReference {
	if !store.ClaimsDefaults(gateway.Source) || !store.UsesDefaults(source) || slices.Contains(store.ParentGateways(source), gateway.Name()) {
		return nil
	}
	group, kind, namespace := gatewayv1.Group(gatewayv1.GroupName), gatewayv1.Kind("Gateway"), gatewayv1.Namespace(gateway.Name().Namespace)
	return &gatewayv1.ParentReference{Group: &group, Kind: &kind, Namespace: &namespace, Name: gatewayv1.ObjectName(gateway.Name().Name)}
}

// concerns says whether the route names the Gateway or one of its ListenerSets, or
// could be claimed. Of one that is neither, nothing is looked at: the Gateway has
// no business with what it leads to.
func (b *builder) concerns(source store.Route, kind string, hostnames []gatewayv1.Hostname, gateway *Gateway) bool {
	ref := b.defaultRef(source, gateway)
	if ref == nil || slices.ContainsFunc(store.ParentListenerSets(source), b.hasListenerSet) {
		return true
	}
	key, _ := store.KeyOf(source)
	stub := &Route{Kind: kind, Name: key.NamespacedName}
	stub.readHostnames(hostnames)
	return len(b.parent(stub, *ref, gateway.Listeners).Attachments) > 0
}

func (b *builder) hasListenerSet(name types.NamespacedName) bool {
	_, has := b.in.ListenerSets[name]
	return has
}

// claim attaches the route to a default Gateway, as far as its listeners let it. A
// route that they do not is not told, as it has not asked for this Gateway.
func (b *builder) claim(route *Route, source store.Route, gateway *Gateway) {
	ref := b.defaultRef(source, gateway)
	if ref == nil {
		return
	}
	if p := b.parent(route, *ref, gateway.Listeners); len(p.Attachments) > 0 {
		route.Parents = append(route.Parents, p)
	}
}
