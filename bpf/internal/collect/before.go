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
	outcomes         map[probe.Outcome]*uint64
	series, backends cells
	flows            flows
}

func newBefore() before {
	return before{map[probe.Outcome]*uint64{}, newCells(), newCells(), newFlows()}
}

// outcome returns how often requests have ended so since the last look.
func (b *before) outcome(o probe.Outcome, now uint64) uint64 {
	last := found(b.outcomes, o)
	n := now - *last
	if now < *last {
		n = now // it was cleared, and has begun anew
	}
	*last = now
	return n
}

// forget lets go of identifiers whose numbers were cleared.
func (b *before) forget(gone Gone) {
	for o := range b.outcomes {
		if o != probe.OverflowOutcome && (gone.Series[o.Series()] || gone.Backends[o.Backend()]) {
			delete(b.outcomes, o)
		}
	}
	for id := range gone.Series {
		b.series.counted[id] = nil
	}
	for id := range gone.Backends {
		b.backends.counted[id] = nil
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

// cells are the past of series, or of backends, by their identifiers.
type cells struct {
	past[probe.Cell]
	counted [][]figure
}

func newCells() cells { return cells{counted: make([][]figure, probe.MaxSeries)} }

// advance returns what a cell has counted since the last look. It is valid until the
// next call.
func (c *cells) advance(id uint32, now *probe.Cell) (added []figure) {
	c.counted[id], added = c.since(c.counted[id], now)
	return added
}

// flows are the past of flows.
type flows struct {
	past[bpf.L4Flow]
	counted map[bpf.L4FlowKey][]figure
}

func newFlows() flows { return flows{counted: map[bpf.L4FlowKey][]figure{}} }

// advance is that of cells.
func (f *flows) advance(key bpf.L4FlowKey, now *bpf.L4Flow) (added []figure) {
	f.counted[key], added = f.since(f.counted[key], now)
	return added
}

// past finds out what records have counted since the last look. Of each there are kept
// the figures that are not zero, in their order. Most of a record are buckets that
// nothing falls into, so that this takes a tenth of the memory of the records.
type past[R record] struct {
	// now and added are here so that they need not be allocated for each record.
	now, added []figure
}

// since returns what to keep of a record, and what it has counted beyond what was kept
// at the last look. That is valid until the next call.
func (p *past[R]) since(last []figure, r *R) (kept, added []figure) {
	p.now = figuresOf(p.now[:0], words(r))
	if slices.Equal(last, p.now) {
		return last, nil
	}
	p.added = grown(p.added[:0], last, p.now)
	if len(last) != len(p.now) {
		return slices.Clone(p.now), p.added
	}
	copy(last, p.now)
	return last, p.added
}

// figuresOf appends those of a record that are not zero. Of most there are whole runs,
// which are looked at together.
func figuresOf(to []figure, record []uint64) []figure {
	const run = 8
	for place := 0; place < len(record); place += run {
		some := record[place:min(place+run, len(record))]
		if len(some) == run && some[0]|some[1]|some[2]|some[3]|some[4]|some[5]|some[6]|some[7] == 0 {
			continue
		}
		for i, n := range some {
			if n != 0 {
				to = append(to, figure{place + i, n})
			}
		}
	}
	return to
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
