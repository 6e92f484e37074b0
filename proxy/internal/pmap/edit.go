package pmap

import "slices"

// perChunk is how many keys a chunk has at most on the average, and as many as half of
// them at least unless there were more keys before.
const perChunk = 8

// Edit is a Map in the making. It belongs to one goroutine.
type Edit[K comparable, V any] struct {
	next Map[K, V]
	// own are the chunks that are the Edit's alone. It is nil as long as the list of
	// chunks is the Map's.
	own []bool
}

// Edit begins a change. The Map itself stays as it is.
func (m *Map[K, V]) Edit() *Edit[K, V] { return &Edit[K, V]{next: *m} }

// Get returns the value that a key has by now.
func (e *Edit[K, V]) Get(key K) (V, bool) { return e.next.Get(key) }

// Set gives a key a value.
func (e *Edit[K, V]) Set(key K, value V) {
	hash := hashOf(key)
	if e.next.size >= perChunk*len(e.next.chunks) {
		e.resize(max(1, 2*len(e.next.chunks)))
	}
	chunk := e.open(hash)
	for i := range *chunk {
		if at := &(*chunk)[i]; at.hash == hash && at.key == key {
			at.value = value
			return
		}
	}
	*chunk = append(*chunk, entry[K, V]{hash, key, value})
	e.next.size++
}

// Delete takes a key away, if it is there.
func (e *Edit[K, V]) Delete(key K) {
	if _, there := e.next.Get(key); !there {
		return
	}
	hash := hashOf(key)
	chunk := e.open(hash)
	*chunk = slices.DeleteFunc(*chunk, func(at entry[K, V]) bool { return at.hash == hash && at.key == key })
	e.next.size--
}

// Map ends the change. The Edit must not be used any more.
func (e *Edit[K, V]) Map() Map[K, V] {
	if len(e.next.chunks) > 1 && e.next.size*perChunk < len(e.next.chunks) {
		count := 1
		for count*perChunk <= e.next.size {
			count *= 2
		}
		e.resize(count)
	}
	e.clip()
	return e.next
}

// clip has the chunks take no more memory than they need: they grow by doubling.
func (e *Edit[K, V]) clip() {
	for i, chunk := range e.next.chunks {
		if e.own != nil && e.own[i] && len(chunk) < cap(chunk) {
			e.next.chunks[i] = append(make([]entry[K, V], 0, len(chunk)), chunk...)
		}
	}
}

// open returns the chunk of a hash, which may be changed.
func (e *Edit[K, V]) open(hash uint64) *[]entry[K, V] {
	if e.own == nil {
		e.next.chunks = slices.Clone(e.next.chunks)
		e.own = make([]bool, len(e.next.chunks))
	}
	at := hash & uint64(len(e.next.chunks)-1)
	if !e.own[at] {
		e.own[at] = true
		e.next.chunks[at] = append(make([]entry[K, V], 0, len(e.next.chunks[at])+1), e.next.chunks[at]...)
	}
	return &e.next.chunks[at]
}

// resize distributes the keys over another number of chunks.
func (e *Edit[K, V]) resize(count int) {
	chunks := make([][]entry[K, V], count)
	for _, chunk := range e.next.chunks {
		for _, at := range chunk {
			to := &chunks[at.hash&uint64(count-1)]
			*to = append(*to, at)
		}
	}
	e.next.chunks, e.own = chunks, make([]bool, count)
	for i := range e.own {
		e.own[i] = true
	}
}
