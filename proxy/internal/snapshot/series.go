package snapshot

import (
	"strconv"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// MaxListeners bounds the numbers that listeners have for the metrics.
const MaxListeners = 256

// numbers gives numbers to things, such as series and listeners. A number is never
// used for something else within a process, for the counters behind it go on; what
// comes after the last one shares zero, which is nothing's own.
//
// They belong to whoever compiles. Snapshots share the list that is appended to,
// each up to its own length.
type numbers[T comparable] struct {
	ids  map[T]uint32
	list []T
	most int
}

func newNumbers[T comparable](most int) *numbers[T] {
	return &numbers[T]{ids: map[T]uint32{}, list: make([]T, 1), most: most}
}

func (t *numbers[T]) id(thing T) uint32 {
	id, ok := t.ids[thing]
	if !ok && len(t.list) < t.most {
		id = uint32(len(t.list))
		t.ids[thing] = id
		t.list = append(t.list, thing)
	}
	return id
}

// ruleLabel names a rule: by its name, or by its index where it has none.
func ruleLabel(r *proxyconfig.Rule, index int) string {
	if r.Name != "" {
		return r.Name
	}
	return strconv.Itoa(index)
}
