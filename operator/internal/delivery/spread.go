package delivery

import (
	"cmp"
	"slices"
	"strings"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// spread gives each item to the part that a hash of its identity says, so that
// none moves when others come and go. The parts are in the order of
// proxyconfig.PartNames. A cut of before is among them where its items are those that
// the last configuration had, in the same memory.
func spread(config, last *proxyconfig.Config, before cuts) []*cut {
	if last == nil || before == nil {
		last = &proxyconfig.Config{}
	}
	var all []*cut
	all = append(all, listenerItems.cuts(config.Listeners, nil, before)...)
	all = append(all, routeItems.cuts(config.Routes, last.Routes, before)...)
	return append(all, backendItems.cuts(config.Backends, last.Backends, before)...)
}

// items are what parts of one kind hold. Lists of them are in the order of compare,
// under which no two are equal.
type items[T any] struct {
	kind  proxyconfig.PartKind
	parts int
	// slot is the part that an item belongs to.
	slot    func(*T) int
	compare func(a, b *T) int
	// same says whether two items are one, in the same memory.
	same func(a, b *T) bool
	of   func(*proxyconfig.Config) *[]T
}

var listenerItems = items[proxyconfig.Listener]{
	kind: proxyconfig.PartListeners, parts: proxyconfig.ListenerParts,
	slot: func(l *proxyconfig.Listener) int { return slot(proxyconfig.ListenerParts, l.Name) },
	of:   func(c *proxyconfig.Config) *[]proxyconfig.Listener { return &c.Listeners },
}

var routeItems = items[proxyconfig.Route]{
	kind: proxyconfig.PartRoutes, parts: proxyconfig.RouteParts,
	slot: func(r *proxyconfig.Route) int { return slot(proxyconfig.RouteParts, r.Kind, r.Namespace, r.Name) },
	compare: func(a, b *proxyconfig.Route) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	},
	same: func(a, b *proxyconfig.Route) bool {
		return a.Kind == b.Kind && a.Namespace == b.Namespace && a.Name == b.Name && a.CreatedAt == b.CreatedAt &&
			sameArray(a.Attachments, b.Attachments) && sameArray(a.Rules, b.Rules)
	},
	of: func(c *proxyconfig.Config) *[]proxyconfig.Route { return &c.Routes },
}

var backendItems = items[proxyconfig.Backend]{
	kind: proxyconfig.PartBackends, parts: proxyconfig.BackendParts,
	slot:    func(b *proxyconfig.Backend) int { return slot(proxyconfig.BackendParts, b.ID) },
	compare: func(a, b *proxyconfig.Backend) int { return strings.Compare(a.ID, b.ID) },
	same: func(a, b *proxyconfig.Backend) bool {
		return a.ID == b.ID && a.Kind == b.Kind && a.Namespace == b.Namespace && a.Service == b.Service && a.Port == b.Port &&
			a.Protocol == b.Protocol && a.ProxyProtocol == b.ProxyProtocol && sameArray(a.Endpoints, b.Endpoints) &&
			a.TLS == b.TLS && a.External == b.External && a.Policy == b.Policy
	},
	of: func(c *proxyconfig.Config) *[]proxyconfig.Backend { return &c.Backends },
}

// cuts are the parts of now that hold something. Those of before are taken where
// nothing of them differs between last and now.
func (k *items[T]) cuts(now, last []T, before cuts) []*cut {
	changes, few := k.differences(last, now)
	var shares [][]T
	if !few {
		shares = k.share(now)
	}
	var all []*cut
	for number := range k.parts {
		old := before[proxyconfig.PartName(k.kind, number)]
		var mine []T
		switch {
		case !few:
			mine = shares[number]
		case len(changes[number]) == 0:
			if old != nil {
				all = append(all, old)
			}
			continue
		default:
			mine = k.apply(changes[number], old)
		}
		if len(mine) > 0 {
			given := &proxyconfig.Config{}
			*k.of(given) = mine
			all = append(all, &cut{kind: k.kind, number: number, given: given})
		}
	}
	return all
}

// difference is an item that is gone or another one; a nil one is not there.
type difference[T any] struct{ was, is *T }

// differences are those between two lists, by part. It returns false where there are
// many, or where nobody can tell.
func (k *items[T]) differences(last, now []T) (map[int][]difference[T], bool) {
	if k.compare == nil || len(last) == 0 {
		return nil, false
	}
	found, left := make(map[int][]difference[T]), len(now)/k.parts
	note := func(item *T, d difference[T]) {
		part := k.slot(item)
		found[part] = append(found[part], d)
		left--
	}
	for i, j := 0, 0; i < len(last) || j < len(now); {
		if left < 0 {
			return nil, false
		}
		switch order := k.order(last[i:], now[j:]); {
		case order < 0:
			note(&last[i], difference[T]{was: &last[i]})
			i++
		case order > 0:
			note(&now[j], difference[T]{is: &now[j]})
			j++
		default:
			if !k.same(&last[i], &now[j]) {
				note(&now[j], difference[T]{&last[i], &now[j]})
			}
			i, j = i+1, j+1
		}
	}
	return found, true
}

// order says which of two lists has the next item; both have it for zero.
func (k *items[T]) order(a, b []T) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	case k.same(&a[0], &b[0]):
		return 0
	}
	return k.compare(&a[0], &b[0])
}

// apply returns the items of a cut after some differences.
func (k *items[T]) apply(changes []difference[T], old *cut) []T {
	var list []T
	if old != nil {
		list = slices.Clone(*k.of(old.given))
	}
	for _, d := range changes {
		item := cmp.Or(d.is, d.was)
		at, found := slices.BinarySearchFunc(list, item, func(a T, b *T) int { return k.compare(&a, b) })
		switch {
		case d.is == nil && found:
			list = slices.Delete(list, at, at+1)
		case d.is != nil && found:
			list[at] = *d.is
		case d.is != nil:
			list = slices.Insert(list, at, *d.is)
		}
	}
	return list
}

// share deals all items out to the parts.
func (k *items[T]) share(all []T) [][]T {
	out := make([][]T, k.parts)
	for i := range out {
		out[i] = make([]T, 0, len(all)/k.parts+len(all)/k.parts/4)
	}
	for i := range all {
		at := k.slot(&all[i])
		out[at] = append(out[at], all[i])
	}
	return out
}

// slot is the 32-bit FNV-1a hash of an identity, as hash/fnv has it.
func slot(count int, identity ...string) int {
	hash := uint32(2166136261)
	step := func(b byte) { hash = (hash ^ uint32(b)) * 16777619 }
	for _, text := range identity {
		for i := range len(text) {
			step(text[i])
		}
		step(0)
	}
	return int(hash % uint32(count))
}
