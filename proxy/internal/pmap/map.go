package pmap

import (
	"hash/maphash"
	"iter"
)

// Map maps keys to values. It is immutable, and so safe for concurrent use. The zero
// Map is empty.
type Map[K comparable, V any] struct {
	// pages have perPage chunks each; where there are fewer in all, one page has these.
	pages []page[K, V]
	// last is the number of the last chunk. There is a power of two of them, and the last
	// bits of a key's hash say in which one it is.
	last uint64
	size int
}

// perPage is how many chunks lie in one list.
const perPage = 1 << pageBits

const pageBits = 5

type page[K comparable, V any] [][]entry[K, V]

type entry[K comparable, V any] struct {
	hash  uint64
	key   K
	value V
}

// seed is one for all maps: keys of untrusted clients are looked up and never stored.
var seed = maphash.MakeSeed()

func hashOf[K comparable](key K) uint64 {
	if text, ok := any(key).(string); ok {
		return maphash.String(seed, text)
	}
	return maphash.Comparable(seed, key)
}

// Len is the number of keys.
func (m *Map[K, V]) Len() int { return m.size }

// Get returns the value of a key.
func (m *Map[K, V]) Get(key K) (v V, ok bool) {
	hash := hashOf(key)
	chunk := m.chunk(hash)
	for i := range chunk {
		if chunk[i].hash == hash && chunk[i].key == key {
			return chunk[i].value, true
		}
	}
	return v, false
}

// GetBytes is Get for a key that lies in bytes. It allocates nothing.
func GetBytes[V any](m *Map[string, V], key []byte) (v V, ok bool) {
	if m.last == 0 {
		return scan(m, key)
	}
	hash := maphash.Bytes(seed, key)
	chunk := m.chunk(hash)
	for i := range chunk {
		if chunk[i].hash == hash && chunk[i].key == string(key) {
			return chunk[i].value, true
		}
	}
	return v, false
}

// scan is GetBytes for one chunk: comparing a few keys is faster than hashing one.
func scan[V any](m *Map[string, V], key []byte) (v V, ok bool) {
	chunk := m.chunk(0)
	for i := range chunk {
		if chunk[i].key == string(key) {
			return chunk[i].value, true
		}
	}
	return v, false
}

func (m *Map[K, V]) chunk(hash uint64) []entry[K, V] {
	if len(m.pages) == 0 {
		return nil
	}
	at := hash & m.last
	return m.pages[at>>pageBits][at%perPage]
}

// All visits the keys with their values, in no order.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, page := range m.pages {
			for _, chunk := range page {
				for i := range chunk {
					if !yield(chunk[i].key, chunk[i].value) {
						return
					}
				}
			}
		}
	}
}
