package graph

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// joined returns the Gateway of before, or where ListenerSets have joined it another node
// with them. It returns nil where these change anything of the listeners that were there,
// so that all have to be looked at.
func (b *builder) joined(before *Gateway) *Gateway {
	if b.recall.changes == nil || len(b.recall.changes.Joined) == 0 {
		return before
	}
	gateway := *before
	gateway.ListenerSets = slices.Clone(before.ListenerSets)
	fresh := make(map[*ListenerSet]bool)
	for _, name := range b.recall.changes.Joined {
		set := b.join(&gateway, name)
		if slices.ContainsFunc(set.Listeners, (*Listener).filters) {
			return nil
		}
		fresh[set] = true
	}
	if !settleFresh(gateway.Listeners, gateway.ListenerSets, fresh) {
		return nil
	}
	return &gateway
}

// join gives a ListenerSet its place. The index by names, which the node of before shares,
// is of no use to that any more.
func (b *builder) join(gateway *Gateway, name types.NamespacedName) *ListenerSet {
	set := b.listenerSet(b.in.ListenerSets[name])
	at, _ := slices.BinarySearchFunc(gateway.ListenerSets, set, CompareListenerSets)
	gateway.ListenerSets = slices.Insert(gateway.ListenerSets, at, set)
	gateway.setsByName[name] = set
	return set
}

// filters says whether requests to the listener pass filters.
func (l *Listener) filters() bool {
	return l.Source.Filters != nil && len(l.Source.Filters.Requests) > 0
}

// settleFresh is markConflicts where that was done for all but the fresh ones among the
// ListenerSets. It returns false if it would come to something else for one of the others.
func settleFresh(own []*Listener, sets []*ListenerSet, fresh map[*ListenerSet]bool) bool {
	var placed placement
	for _, l := range accepted(own) {
		placed.add(l)
	}
	// among says that a fresh listener has its place before the ones that follow.
	among := false
	for _, set := range sets {
		for _, l := range set.Listeners {
			switch {
			case fresh[set] && l.Accepted():
				if l.markConflict(placed.rivals(l)); l.Accepted() {
					placed.add(l)
					among = true
				}
			case fresh[set]:
			case among && (l.conflicted() || l.Accepted() && len(placed.rivals(l)) > 0):
				return false
			case l.Accepted():
				placed.add(l)
			}
		}
	}
	markOverlaps(placed.all)
	return true
}

// conflicted says whether the listener gives way to others.
func (l *Listener) conflicted() bool {
	return l.Problems.Has(string(gatewayv1.ListenerConditionConflicted))
}
