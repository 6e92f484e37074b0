package store

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// listenerSets reads the ListenerSets that were heard of, and takes those in that have
// joined. It returns false where something else than the status differs of one that was
// there before, or where more depends on one that joins than its own routes.
func (f *follower) listenerSets(changes *Changes) bool {
	var joined []*gatewayv1.ListenerSet
	for key := range changes.ListenerSets {
		before, now := f.out.ListenerSets[key], find(&f.collector, key, &gatewayv1.ListenerSet{})
		switch {
		case before == nil && now == nil:
			// It has come and gone.
			delete(changes.ListenerSets, key)
		case before != nil && now != nil && sameSpec(before, now):
			f.out.ListenerSets[key] = now
		case before == nil && f.joins(now):
			delete(changes.ListenerSets, key)
			joined = append(joined, now)
		default:
			return false
		}
	}
	if len(joined) > 0 {
		f.takeIn(joined, changes)
	}
	return f.err == nil
}

// joins says whether a ListenerSet is to be one of the Gateway's, and all that it depends
// on, beside Secrets and its namespace, is known or is of its routes.
func (f *follower) joins(set *gatewayv1.ListenerSet) bool {
	of, named := GatewayOf(set)
	if !named || of != client.ObjectKeyFromObject(f.out.Gateway) {
		return false
	}
	// Which grants there are was read of the namespaces that something leads to.
	known := func(namespace string) bool { return f.memory.foreign[namespace] > 0 }
	return len(ListenerSetServices(set))+len(ListenerSetXBackends(set)) == 0 &&
		!slices.ContainsFunc(foreign(set.Namespace, ListenerSetSecrets(set)), func(ns string) bool { return !known(ns) })
}

// takeIn adds the ListenerSets that have joined, with what belongs to them.
func (f *follower) takeIn(joined []*gatewayv1.ListenerSet, changes *Changes) {
	// The maps of before are those of the resources of before, which lack them.
	f.out.ListenerSets, f.out.Secrets = maps.Clone(f.out.ListenerSets), maps.Clone(f.out.Secrets)
	f.joining = make(map[RouteKey]bool)
	for _, set := range joined {
		key := client.ObjectKeyFromObject(set)
		f.out.ListenerSets[key] = set
		changes.Joined = append(changes.Joined, key)
		f.memory.namespaces[key.Namespace]++
		f.namespaces[key.Namespace] = struct{}{}
		f.certificates(set)
		f.routesOf(key, changes)
	}
}

// certificates reads the Secrets that nothing has referred to before. Of the others it is
// known whether they exist, and an event tells when that changes.
func (f *follower) certificates(set *gatewayv1.ListenerSet) {
	keys := ListenerSetSecrets(set)
	for _, namespace := range foreign(set.Namespace, keys) {
		f.memory.foreign[namespace]++
	}
	for _, key := range keys {
		if _, known := f.memory.secrets[key]; known {
			continue
		}
		f.memory.secrets[key] = struct{}{}
		f.secret(key)
	}
}

// routesOf has the routes looked at that name a ListenerSet, and those of the Gateway whose
// status has an entry for it.
func (f *follower) routesOf(set types.NamespacedName, changes *Changes) {
	for _, kind := range RouteKinds() {
		list := kind.NewList()
		f.list(list, client.MatchingFields{RouteByListenerSet: set.String()})
		each(list, func(route Route) {
			key, _ := KeyOf(route)
			if readParent(ParentListenerSet).of(route, set) || f.out.Route(key) != nil {
				changes.Routes[key], f.joining[key] = struct{}{}, true
			}
		})
	}
}
