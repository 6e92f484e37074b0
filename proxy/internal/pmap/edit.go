package pmap

import "slices"

// perChunk is how many keys a chunk has at most on the average, and as many as half of
// them at least unless there were more keys before.
const perChunk = 8

// Edit is a Map in the making. It belongs to one goroutine.
type Edit[K comparable, V any] struct {
	next Map[K, V]
	// own are, by page, the chunks that are the Edit's alone; a page without is the Map's.
	// It is nil as long as the list of pages is the Map's.
	own []*[perPage]bool
}

// Edit begins a change. The Map itself stays as it is.
func (m *Map[K, V]) Edit() *Edit[K, V] { return &Edit[K, V]{next: *m} }

// Get returns the value that a key has by now.
func (e *Edit[K, V]) Get(key K) (V, bool) { return e.next.Get(key) }

// Set gives a key a value.
func (e *Edit[K, V]) Set(key K, value V) {
	hash := hashOf(key)
	if chunks := e.chunks(); e.next.size >= perChunk*chunks {
		e.resize(max(1, 2*chunks))
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
	if chunks := e.chunks(); chunks > 1 && e.next.size*perChunk < chunks {
		count := 1
		for count*perChunk <= e.next.size {
			count *= 2
		}
		e.resize(count)
	}
	e.clip()
	return e.next
}

// chunks is how many chunks there are.
func (e *Edit[K, V]) chunks() int {
	if len(e.next.pages) == 0 {
		return 0
	}
	return int(e.next.last) + 1
}

// clip has the chunks take no more memory than they need: they grow by doubling.
func (e *Edit[K, V]) clip() {
	for i, own := range e.own {
		if own == nil {
			continue
		}
		for j, chunk := range e.next.pages[i] {
			if own[j] && len(chunk) < cap(chunk) {
				e.next.pages[i][j] = append(make([]entry[K, V], 0, len(chunk)), chunk...)
			}
		}
	}
}

// open returns the chunk of a hash, which may be changed.
func (e *Edit[K, V]) open(hash uint64) *[]entry[K, V] {
	if e.own == nil {
		e.next.pages = slices.Clone(e.next.pages)
		e.own = make([]*[perPage]bool, len(e.next.pages))
	}
	at := hash & e.next.last
	number, place := at>>pageBits, at%perPage
	if e.own[number] == nil {
		e.next.pages[number] = slices.Clone(e.next.pages[number])
		e.own[number] = &[perPage]bool{}
	}
	chunk := &e.next.pages[number][place]
	if !e.own[number][place] {
		e.own[number][place] = true
		*chunk = append(make([]entry[K, V], 0, len(*chunk)+1), *chunk...)
	}
	return chunk
}

// resize distributes the keys over another number of chunks.
func (e *Edit[K, V]) resize(count int) {
	before := e.next.pages
	e.next.last = uint64(count - 1)
	e.next.pages = make([]page[K, V], max(1, count/perPage))
	e.own = make([]*[perPage]bool, len(e.next.pages))
	for i := range e.next.pages {
		e.next.pages[i], e.own[i] = make(page[K, V], min(count, perPage)), &[perPage]bool{}
		for j := range e.own[i] {
			e.own[i][j] = true
		}
	}
	for _, page := range before {
		for _, chunk := range page {
			for _, at := range chunk {
				to := e.open(at.hash)
				*to = append(*to, at)
			}
		}
	}
}
