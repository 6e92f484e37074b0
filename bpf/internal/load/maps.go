package load

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// How many entries are read at once. A bucket of the kernel's has to fit in, of which
// the largest has some ten.
const (
	outcomesAtOnce = 512
	cellsAtOnce    = 32
	flowsAtOnce    = 32
)

// manyCells is how many cells take longer to be read one by one than all that a map
// has room for.
const manyCells = 1024

// cells calls fn for the cells among ids that there are, and perhaps for others, where
// no program tells them.
func cells(m *ebpf.Map, ids []uint32, fn func(uint32, *probe.Cell)) error {
	if len(ids) >= manyCells {
		return each(m, cellsAtOnce, func(id *uint32, c *probe.Cell) { fn(*id, c) })
	}
	var c probe.Cell
	for i := range ids {
		err := m.Lookup(&ids[i], &c)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading map %s: %w", m, err)
		}
		fn(ids[i], &c)
	}
	return nil
}

// each calls fn for every entry of a hash map, reading chunk of them at once.
// Entries that come or go meanwhile may be missed.
func each[K, V any](m *ebpf.Map, chunk int, fn func(*K, *V)) error {
	keys, values := make([]K, chunk), make([]V, chunk)
	var cursor ebpf.MapBatchCursor
	for {
		n, err := m.BatchLookup(&cursor, keys, values, nil)
		for i := range n {
			fn(&keys[i], &values[i])
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading map %s: %w", m, err)
		}
	}
}

// remove deletes the entries whose keys match.
func remove[V any, K any](m *ebpf.Map, chunk int, match func(K) bool) error {
	var gone []K
	err := each(m, chunk, func(k *K, _ *V) {
		if match(*k) {
			gone = append(gone, *k)
		}
	})
	if err != nil {
		return err
	}
	for _, k := range gone {
		if err := m.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("clearing map %s: %w", m, err)
		}
	}
	return nil
}
