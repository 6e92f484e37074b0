package edition

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Order compares the identities of two items of a configuration. Under it no two of a list
// are equal. The lists that its methods take are sorted by it.
type Order[T any] func(a, b *T) int

// Routes is the order of a configuration's routes.
func Routes(a, b *proxyconfig.Route) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

// Backends is the order of a configuration's backends.
func Backends(a, b *proxyconfig.Backend) int { return strings.Compare(a.ID, b.ID) }

// Find returns the place in the list of the item with an identity, or where one would be.
func (o Order[T]) Find(list []T, item *T) (at int, found bool) {
	return sort.Find(len(list), func(i int) int { return o(item, &list[i]) })
}

// Put returns the list with the item, in the place of the one of its identity if there is
// one. It changes the list's own memory.
func (o Order[T]) Put(list []T, item *T) []T {
	at, found := o.Find(list, item)
	if !found {
		return slices.Insert(list, at, *item)
	}
	list[at] = *item
	return list
}

// Remove returns the list without the item of an identity, which need not be in it. It
// changes the list's own memory.
func (o Order[T]) Remove(list []T, item *T) []T {
	at, found := o.Find(list, item)
	if !found {
		return list
	}
	return slices.Delete(list, at, at+1)
}
