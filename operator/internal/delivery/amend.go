package delivery

import (
	"encoding/json"
	"maps"
	"slices"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// amendment is what is to be read of a part beyond what is stored of it: places of
// items that do not count any more, and items that lie in the index. One write of the
// index is then enough for a change, and a proxy has nothing to fetch for it.
type amendment struct {
	without []int
	beside  proxyconfig.Config
	// bytes is about what it takes in the index.
	bytes int
}

// What lies in the index is bounded: each write and each read of it has all of that.
// Past a share of the largest part's bytes in all, or of one part's items, parts are
// encoded anew, which costs the more the larger they are.
const (
	amendedShare               = 16
	leastAmended, mostAmended  = 16 << 10, 64 << 10
	itemsShare, leastOfOnePart = 64, 16
)

// room is what may lie beside all parts, in bytes.
func (all cuts) room() int {
	largest := 0
	for _, c := range all {
		largest = max(largest, c.part.Bytes)
	}
	return min(max(largest/amendedShare, leastAmended), mostAmended)
}

// room is how many items may lie beside a part, and as many not count in it.
func (c *cut) room() int {
	return max(leastOfOnePart, (len(c.kept.Routes)+len(c.kept.Backends))/itemsShare)
}

// amend takes the part over as it is stored, with what differs beside it. It returns
// false where there is too much, or where not all of the part is stored.
func (c *cut) amend(old *cut) bool {
	if c.kind == proxyconfig.PartListeners || len(old.dropped) > 0 {
		return false
	}
	var a amendment
	if c.kind == proxyconfig.PartRoutes {
		a = routeItems.amendment(c, old)
	} else {
		a = backendItems.amendment(c, old)
	}
	if max(len(a.without), len(a.beside.Routes)+len(a.beside.Backends)) > old.room() {
		return false
	}
	raw, err := json.Marshal(&a.beside)
	if err != nil {
		return false
	}
	a.bytes = len(raw) + len(`12345,`)*len(a.without)
	c.kept, c.part, c.data, c.amended = old.kept, old.part, old.data, a
	return true
}

// fold encodes parts, those with the most beside them first, until what is left beside
// all of them is within its bounds. It returns how many it encoded.
func (all cuts) fold() (encoded int, err error) {
	total := 0
	for _, c := range all {
		total += c.amended.bytes
	}
	for room := all.room(); total > room; {
		most := slices.MaxFunc(inOrder(all), func(a, b *cut) int { return a.amended.bytes - b.amended.bytes })
		total -= most.amended.bytes
		encoded++
		if err := most.fit(); err != nil {
			return encoded, err
		}
	}
	return encoded, nil
}

// amendment is what is to be read beside an old cut where another one is wanted. Where it
// is known what differs between the two, nothing else is looked at.
func (k *items[T]) amendment(wanted, old *cut) amendment {
	a := amendment{}
	if wanted.differs == nil {
		a.without, *k.of(&a.beside) = k.beyond(*k.of(old.kept), *k.of(wanted.given))
		return a
	}
	a.without, *k.of(&a.beside) = slices.Clone(old.amended.without), slices.Clone(*k.of(&old.amended.beside))
	stored, given := *k.of(old.kept), *k.of(wanted.given)
	for i := range *k.of(wanted.differs) {
		item := &(*k.of(wanted.differs))[i]
		from, was := k.order.Find(stored, item)
		to, is := k.order.Find(given, item)
		stays := was && is && k.same(stored[from], given[to])
		if was {
			a.count(from, stays)
		}
		beside := k.of(&a.beside)
		switch {
		case stays:
			stored[from] = given[to]
			*beside = k.order.Remove(*beside, item)
		case is:
			*beside = k.order.Put(*beside, &given[to])
		default:
			*beside = k.order.Remove(*beside, item)
		}
	}
	return a
}

// count has the item at a place of the part count, or not.
func (a *amendment) count(place int, counts bool) {
	at, out := slices.BinarySearch(a.without, place)
	switch {
	case counts && out:
		a.without = slices.Delete(a.without, at, at+1)
	case !counts && !out:
		a.without = slices.Insert(a.without, at, place)
	}
}

// identity tells the items of a kind apart.
type identity struct{ kind, namespace, name string }

func routeIdentity(r *proxyconfig.Route) identity { return identity{r.Kind, r.Namespace, r.Name} }

func backendIdentity(b *proxyconfig.Backend) identity { return identity{name: b.ID} }

// beyond returns the places of the stored items that are not wanted as they are, and
// the wanted items that are not stored. What is the same is stored in the memory of
// what is wanted from then on, so that the next comparison is cheap.
func (k *items[T]) beyond(stored, wanted []T) (gone []int, more []T) {
	places := make(map[identity]int, len(stored))
	for i := range stored {
		places[k.identity(&stored[i])] = i
	}
	for i := range wanted {
		id := k.identity(&wanted[i])
		at, there := places[id]
		if there && k.same(stored[at], wanted[i]) {
			stored[at] = wanted[i]
			delete(places, id)
			continue
		}
		more = append(more, wanted[i])
	}
	return slices.Sorted(maps.Values(places)), more
}
