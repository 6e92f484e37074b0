package render

import (
	"reflect"
	"slices"

	"github.com/fleetgate/fleetgate/operator/internal/edition"
)

// fewChanges are as many as are made one by one: each may move what lies behind it.
const fewChanges = 64

// differences are what differs between two lists of items, both in the order.
type differences[T any] struct {
	order      edition.Order[T]
	gone, here []*T
	// many says that they are not known any more, as they were too many.
	many bool
}

// went notes an item of the list before; nil is none.
func (d *differences[T]) went(item *T) { d.note(&d.gone, item) }

// came notes an item of the list to be. If it is what went last, nothing differs: a route
// of which a backend has another endpoint is made anew, and comes to the same.
func (d *differences[T]) came(item *T) {
	if last := len(d.gone) - 1; last >= 0 && !d.many && reflect.DeepEqual(d.gone[last], item) {
		d.gone = d.gone[:last]
		return
	}
	d.note(&d.here, item)
}

func (d *differences[T]) note(list *[]*T, item *T) {
	if item == nil || d.many {
		return
	}
	*list = append(*list, item)
	d.many = len(d.gone)+len(d.here) > fewChanges
}

// items are all that differ, whether they are there or not.
func (d *differences[T]) items() []T {
	all := make([]T, 0, len(d.gone)+len(d.here))
	for _, item := range slices.Concat(d.gone, d.here) {
		all = append(all, *item)
	}
	return all
}

// applied makes the list before into the one to be, in its own memory where there is
// room. Where too much differs, it is what collect appends to an empty one.
func (d *differences[T]) applied(list []T, collect func([]T) []T) []T {
	if d.many || list == nil {
		list = collect(nil)
	} else {
		d.apply(&list)
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

func (d *differences[T]) apply(list *[]T) {
	for _, item := range d.gone {
		// Most that are gone are here as something else, and take no place from others.
		if !slices.ContainsFunc(d.here, func(o *T) bool { return d.order(item, o) == 0 }) {
			*list = d.order.Remove(*list, item)
		}
	}
	for _, item := range d.here {
		*list = d.order.Put(*list, item)
	}
}
