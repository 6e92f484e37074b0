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
	without  []int
	routes   []proxyconfig.Route
	backends []proxyconfig.Backend
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
	var routesGone, backendsGone []int
	routesGone, a.routes = beyond(old.kept.Routes, c.given.Routes, routeIdentity, sameRoute)
	backendsGone, a.backends = beyond(old.kept.Backends, c.given.Backends, backendIdentity, sameBackend)
	// A part has items of one kind.
	a.without = append(routesGone, backendsGone...)
	if max(len(a.without), len(a.routes)+len(a.backends)) > old.room() {
		return false
	}
	raw, err := json.Marshal(&proxyconfig.Config{Routes: a.routes, Backends: a.backends})
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

// identity tells the items of a kind apart.
type identity struct{ kind, namespace, name string }

func routeIdentity(r *proxyconfig.Route) identity { return identity{r.Kind, r.Namespace, r.Name} }

func backendIdentity(b *proxyconfig.Backend) identity { return identity{name: b.ID} }

// beyond returns the places of the stored items that are not wanted as they are, and
// the wanted items that are not stored. What is the same is stored in the memory of
// what is wanted from then on, so that the next comparison is cheap.
func beyond[T any](stored, wanted []T, of func(*T) identity, same func(a, b T) bool) (gone []int, more []T) {
	places := make(map[identity]int, len(stored))
	for i := range stored {
		places[of(&stored[i])] = i
	}
	for i := range wanted {
		id := of(&wanted[i])
		at, there := places[id]
		if there && same(stored[at], wanted[i]) {
			stored[at] = wanted[i]
			delete(places, id)
			continue
		}
		more = append(more, wanted[i])
	}
	return slices.Sorted(maps.Values(places)), more
}
