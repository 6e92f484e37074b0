package delivery

import (
	"slices"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/edition"
)

// spread gives each item to the part that a hash of its identity says, so that
// none moves when others come and go. The parts are in the order of
// proxyconfig.PartNames. Where it is known what differs from the configuration that was
// cut before, a cut of before is among them whose items do not. The others of before whose
// items differ are of no use any more, as their lists are changed where they lie.
func spread(config, differs *proxyconfig.Config, before cuts) []*cut {
	if before == nil {
		differs = nil
	}
	var all []*cut
	all = append(all, listenerItems.cuts(config, differs, before)...)
	all = append(all, routeItems.cuts(config, differs, before)...)
	return append(all, backendItems.cuts(config, differs, before)...)
}

// items are what parts of one kind hold. Lists of them are in the order; where that is
// nil, nothing is known of single ones.
type items[T any] struct {
	kind  proxyconfig.PartKind
	parts int
	// slot is the part that an item belongs to.
	slot  func(*T) int
	order edition.Order[T]
	// identity tells the items apart, and same says whether two of one identity are alike.
	identity func(*T) identity
	same     func(a, b T) bool
	of       func(*proxyconfig.Config) *[]T
}

var listenerItems = items[proxyconfig.Listener]{
	kind: proxyconfig.PartListeners, parts: proxyconfig.ListenerParts,
	slot: func(l *proxyconfig.Listener) int { return slot(proxyconfig.ListenerParts, l.Name) },
	of:   func(c *proxyconfig.Config) *[]proxyconfig.Listener { return &c.Listeners },
}

var routeItems = items[proxyconfig.Route]{
	kind: proxyconfig.PartRoutes, parts: proxyconfig.RouteParts,
	slot:  func(r *proxyconfig.Route) int { return slot(proxyconfig.RouteParts, r.Kind, r.Namespace, r.Name) },
	order: edition.Routes, identity: routeIdentity, same: sameRoute,
	of: func(c *proxyconfig.Config) *[]proxyconfig.Route { return &c.Routes },
}

var backendItems = items[proxyconfig.Backend]{
	kind: proxyconfig.PartBackends, parts: proxyconfig.BackendParts,
	slot:  func(b *proxyconfig.Backend) int { return slot(proxyconfig.BackendParts, b.ID) },
	order: edition.Backends, identity: backendIdentity, same: sameBackend,
	of: func(c *proxyconfig.Config) *[]proxyconfig.Backend { return &c.Backends },
}

// cuts are the parts of a configuration that hold something. Those of before are taken
// where nothing of them differs.
func (k *items[T]) cuts(config, differs *proxyconfig.Config, before cuts) []*cut {
	now := *k.of(config)
	changes, few := k.differences(now, differs)
	var shares [][]T
	if !few {
		shares = k.share(now)
	}
	var all []*cut
	for number := range k.parts {
		old := before[proxyconfig.PartName(k.kind, number)]
		var mine []T
		var differs *proxyconfig.Config
		switch {
		case !few:
			mine = shares[number]
		case len(changes[number]) == 0:
			if old != nil {
				all = append(all, old)
			}
			continue
		default:
			mine, differs = k.apply(changes[number], old), k.identities(changes[number])
		}
		if len(mine) > 0 {
			given := &proxyconfig.Config{}
			*k.of(given) = mine
			all = append(all, &cut{kind: k.kind, number: number, given: given, differs: differs, traits: proxyconfig.TraitsOf(given)})
		}
	}
	return all
}

// difference is an item of an identity that has changed; nil if it is gone.
type difference[T any] struct{ id, is *T }

// differences are the items that differ, by part. It returns false where there are many,
// or where nobody can tell.
func (k *items[T]) differences(now []T, differs *proxyconfig.Config) (map[int][]difference[T], bool) {
	if differs == nil {
		return nil, false
	}
	items := *k.of(differs)
	if len(items) > 0 && k.order == nil || len(items) > len(now)/k.parts {
		return nil, false
	}
	found := make(map[int][]difference[T])
	for i := range items {
		d := difference[T]{id: &items[i]}
		if at, there := k.order.Find(now, d.id); there {
			d.is = &now[at]
		}
		part := k.slot(d.id)
		found[part] = append(found[part], d)
	}
	return found, true
}

// apply returns the items of a cut after some differences, in the memory of its own list.
func (k *items[T]) apply(changes []difference[T], old *cut) []T {
	var list []T
	if old != nil {
		list = k.own(old)
	}
	for _, d := range changes {
		if d.is == nil {
			list = k.order.Remove(list, d.id)
		} else {
			list = k.order.Put(list, d.is)
		}
	}
	return list
}

// own is the list of what is given, in memory that what is kept does not share.
func (k *items[T]) own(c *cut) []T {
	given := *k.of(c.given)
	switch {
	case c.kept != c.given:
		return given
	case c.spare == nil:
		return slices.Clone(given)
	default:
		return append((*k.of(c.spare))[:0], given...)
	}
}

// identities are what the differences are about.
func (k *items[T]) identities(changes []difference[T]) *proxyconfig.Config {
	out := &proxyconfig.Config{}
	list := k.of(out)
	for _, d := range changes {
		*list = append(*list, *d.id)
	}
	return out
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
