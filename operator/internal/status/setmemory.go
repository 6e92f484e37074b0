package status

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// saidOfSet is the status of a ListenerSet.
type saidOfSet struct {
	status *ListenerSet
	// waits says that a listener waits for proxies to serve it.
	waits bool
}

// outlook is what the statuses of all ListenerSets of a Gateway depend on beside
// themselves.
type outlook struct {
	obstacle obstacle
	// refused says that the Gateway itself is.
	refused bool
	// complete says that nothing is left out. Where something is, it is not known of which
	// ListenerSet it is.
	complete bool
}

// listenerSets are the statuses of the Gateway's ListenerSets. There may be thousands, and
// most looks find all of them as they were.
func (b *builder) listenerSets() []*ListenerSet {
	m, nodes := b.memory, b.gateway.ListenerSets
	now := outlook{b.obstacle, b.gateway.Problems.Has(string(gatewayv1.GatewayConditionAccepted)), !b.leavesOut()}
	if now != m.outlook || !now.complete {
		m.sets.Forget()
	}
	walk, all := m.sets.Next(len(nodes), graph.CompareListenerSets), make([]*ListenerSet, 0, len(nodes))
	for _, node := range nodes {
		said := walk.At(node, func(*graph.ListenerSet) *saidOfSet { return &saidOfSet{} })
		if !b.stands(node, said) {
			said.status, said.waits = b.listenerSet(node), b.waits(node)
		}
		all = append(all, said.status)
	}
	m.sets.Keep(walk)
	m.gateway, m.outlook = b.gateway, now
	return all
}

// stands says whether the status of a ListenerSet is what it was under the same outlook.
// A Gateway that others have joined may have more listeners that overlap, and never less.
func (b *builder) stands(node *graph.ListenerSet, said *saidOfSet) bool {
	if said.status == nil || said.waits || said.status.Generation != node.Source.Generation || b.waits(node) {
		return false
	}
	for i, l := range node.Listeners {
		was := &said.status.Listeners[i]
		if was.AttachedRoutes != b.attachedRoutes(l) || b.gateway != b.memory.gateway && l.Overlapping() {
			return false
		}
	}
	return true
}

// waits says whether a listener of the ListenerSet waits for proxies to serve it.
func (b *builder) waits(node *graph.ListenerSet) bool {
	if b.observed.Serving >= b.observed.Ready {
		return false
	}
	for _, l := range node.Listeners {
		if !b.listenerStood(l) {
			return true
		}
	}
	return false
}
