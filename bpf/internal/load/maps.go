package load

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

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
