package balance

import "slices"

// tableSize is a prime, as the method needs, and some hundred times the number
// of endpoints that a Service has, so that their shares are even. It is the
// same for all: another size would send every key elsewhere.
const tableSize = 65537

// hashTable maps hashes to endpoints by the method of Maglev (Eisenbud et al.,
// NSDI 2016, section 3.4): each endpoint has an order of preference of its own
// over all slots, and they take turns in claiming the next one that is free.
// Shares are even within one slot, and an endpoint that leaves moves little but
// its own keys. The table depends on the addresses alone, so that all proxies
// of a fleet agree.
type hashTable struct {
	endpoints []*Endpoint
	slots     [tableSize]uint16
}

// newHashTable makes the table of at least one endpoint. Those past the 65535th
// have no slot.
func newHashTable(list []*Endpoint) *hashTable {
	t := &hashTable{endpoints: slices.Clone(list[:min(len(list), 1<<16-1)])}
	slices.SortFunc(t.endpoints, func(a, b *Endpoint) int { return a.Addr.Compare(b.Addr) })
	preferences := make([]preference, len(t.endpoints))
	for i, e := range t.endpoints {
		preferences[i] = newPreference(e)
	}
	var taken [tableSize]bool
	for left := tableSize; left > 0; {
		for i := range preferences {
			slot := preferences[i].next()
			for taken[slot] {
				slot = preferences[i].next()
			}
			taken[slot], t.slots[slot] = true, uint16(i)
			if left--; left == 0 {
				break
			}
		}
	}
	return t
}

// preference walks all slots in steps of skip.
type preference struct{ at, skip uint32 }

func newPreference(e *Endpoint) preference {
	text, _ := e.Addr.MarshalText() // never fails
	h := HashKey(text)
	return preference{at: uint32(h % tableSize), skip: uint32(mix(h)%(tableSize-1)) + 1}
}

func (p *preference) next() uint32 {
	slot := p.at
	p.at = (p.at + p.skip) % tableSize
	return slot
}

// find returns the endpoint of the request's hash. Where it is not to be had the
// request goes on to the slots that follow, whose endpoints are as good as
// random: the keys of an endpoint that is out are shared by all the others, and
// come back to it.
func (t *hashTable) find(r *Request) *Endpoint {
	slot := r.Hash % tableSize
	for range min(tableSize, 8*len(t.endpoints)) {
		if e := t.endpoints[t.slots[slot]]; r.accepts(e) {
			return e
		}
		if slot++; slot == tableSize {
			slot = 0
		}
	}
	return nil
}

// HashKey hashes what Policy.HashOn asks for. It is never zero, and the same in
// all proxies. It is FNV-1a with a finish that spreads every bit.
func HashKey(key []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, c := range key {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return max(1, mix(h))
}

// mix is the finish of SplitMix64 (Steele et al., OOPSLA 2014): it makes
// neighbouring numbers look unrelated.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
