package router

import "hash/maphash"

// fewPaths are looked through sooner than one is hashed.
const fewPaths = 8

// index leads from the hash of a key to the places that it may be at. It is a table
// with open addressing, a power of two long and never full: eight bytes for each slot,
// of which half are used or more unless there are few.
type index []slot

type slot struct {
	hash uint32
	// place is counted from one; zero is an empty slot.
	place uint32
}

// seed is one for all tables: paths of untrusted clients are looked up and never stored.
var seed = maphash.MakeSeed()

func hashString(kind pathKind, path string) uint64 { return maphash.String(seed, path) + uint64(kind) }

func hashBytes(kind pathKind, path []byte) uint64 { return maphash.Bytes(seed, path) + uint64(kind) }

// newIndex has room for n places.
func newIndex(n int) index {
	size := 1
	for size*3 < n*4 {
		size *= 2
	}
	return make(index, size)
}

func (x index) add(hash uint64, place int) {
	at := hash & uint64(len(x)-1)
	for x[at].place != 0 {
		at = (at + 1) & uint64(len(x)-1)
	}
	x[at] = slot{uint32(hash >> 32), uint32(place) + 1}
}

// look visits the places of a hash. There may be others among them.
func (x index) look(hash uint64) lookup { return lookup{slots: x, at: hash, hash: uint32(hash >> 32)} }

type lookup struct {
	slots index
	at    uint64
	hash  uint32
	place uint32
}

// next moves on to the next place.
func (l *lookup) next() bool {
	for {
		s := l.slots[l.at&uint64(len(l.slots)-1)]
		if s.place == 0 {
			return false
		}
		l.at++
		if s.hash == l.hash {
			l.place = s.place - 1
			return true
		}
	}
}
