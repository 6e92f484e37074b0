package collect

import (
	"slices"
	"unsafe"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

// before is what the last look has read. What a look counts is the difference, so
// that numbers may be cleared, and change their names, without any counter that
// is told going back.
type before struct {
	outcomes         map[probe.Outcome]uint64
	series, backends past[uint32, probe.Cell]
	flows            past[bpf.L4FlowKey, bpf.L4Flow]
}

func newBefore() before {
	return before{
		map[probe.Outcome]uint64{}, newPast[uint32, probe.Cell](), newPast[uint32, probe.Cell](), newPast[bpf.L4FlowKey, bpf.L4Flow](),
	}
}

// outcome returns how often requests have ended so since the last look.
func (b *before) outcome(o probe.Outcome, now uint64) uint64 {
	last := b.outcomes[o]
	if now == last {
		return 0
	}
	b.outcomes[o] = now
	if now < last {
		return now // it was cleared, and has begun anew
	}
	return now - last
}

// forget lets go of identifiers whose numbers were cleared.
func (b *before) forget(gone Gone) {
	for o := range b.outcomes {
		if o != probe.OverflowOutcome && (gone.Series[o.Series()] || gone.Backends[o.Backend()]) {
			delete(b.outcomes, o)
		}
	}
	for id := range gone.Series {
		delete(b.series.counted, id)
	}
	for id := range gone.Backends {
		delete(b.backends.counted, id)
		delete(b.flows.counted, bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_UPSTREAM), Id: id})
	}
}

// record is counters, all of which have 64 bits.
type record interface {
	probe.Cell | bpf.L4Flow
}

// figure is one counter of a record, by its place there.
type figure struct {
	place int
	n     uint64
}

// past is what records had counted at the last look: of each the figures that are
// not zero, in their order. Most of a record are buckets that nothing falls into, so
// that this takes a tenth of the memory of the records.
type past[K comparable, R record] struct {
	counted map[K][]figure
	// now and added are here so that they need not be allocated for each record.
	now, added []figure
}

func newPast[K comparable, R record]() past[K, R] {
	return past[K, R]{counted: map[K][]figure{}}
}

// advance returns what a record has counted since the last look. It is valid until
// the next call.
func (p *past[K, R]) advance(key K, r *R) []figure {
	p.now = p.now[:0]
	for place, n := range words(r) {
		if n != 0 {
			p.now = append(p.now, figure{place, n})
		}
	}
	last := p.counted[key]
	if slices.Equal(last, p.now) {
		return nil
	}
	p.added = grown(p.added[:0], last, p.now)
	if len(last) == len(p.now) {
		copy(last, p.now)
	} else {
		p.counted[key] = slices.Clone(p.now)
	}
	return p.added
}

// grown appends to added what there is now beyond what there was last. Counters only
// grow: where one has not, all were cleared since.
func grown(added, last, now []figure) []figure {
	i := 0
	for _, f := range now {
		if i < len(last) && last[i].place == f.place {
			if f.n < last[i].n {
				return append(added[:0], now...)
			}
			f.n -= last[i].n
			i++
		}
		if f.n > 0 {
			added = append(added, f)
		}
	}
	if i < len(last) {
		return append(added[:0], now...)
	}
	return added
}

func words[R record](r *R) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(r)), unsafe.Sizeof(*r)/8)
}
