package collect

import (
	"unsafe"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

// before is what the last look has read. What a look counts is the difference, so
// that numbers may be cleared, and change their names, without any counter that
// is told going back.
type before struct {
	outcomes         map[probe.Outcome]uint64
	series, backends map[uint32]*probe.Cell
	flows            map[bpf.L4FlowKey]*bpf.L4Flow
}

func newBefore() before {
	return before{
		map[probe.Outcome]uint64{}, map[uint32]*probe.Cell{}, map[uint32]*probe.Cell{}, map[bpf.L4FlowKey]*bpf.L4Flow{},
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
		delete(b.series, id)
	}
	for id := range gone.Backends {
		delete(b.backends, id)
		delete(b.flows, bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_UPSTREAM), Id: id})
	}
}

// record is counters, all of which have 64 bits.
type record interface {
	comparable
	probe.Cell | bpf.L4Flow
}

// advance writes to delta what was counted under a key since the last look, and
// says whether that is anything.
func advance[K comparable, R record](last map[K]*R, key K, now, delta *R) bool {
	old := last[key]
	if old == nil {
		old = new(R)
		if *now == *old {
			return false
		}
		last[key] = old
	} else if *now == *old {
		return false
	}
	// The counters go on while they are copied; the copy is what counts.
	*delta = *now
	from, is := words(old), words(delta)
	if !begunAnew(from, is) {
		for i := range is {
			is[i], from[i] = is[i]-from[i], is[i]
		}
		return true
	}
	*old = *delta
	return true
}

// begunAnew says whether the counters were cleared since: else they only grow.
func begunAnew(old, now []uint64) bool {
	for i := range now {
		if now[i] < old[i] {
			return true
		}
	}
	return false
}

func words[R record](r *R) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(r)), unsafe.Sizeof(*r)/8)
}
