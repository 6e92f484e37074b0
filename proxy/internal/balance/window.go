package balance

import "sync/atomic"

// windowSlots is how many parts a window is counted in. The oldest leaves as a
// whole, so that a count may be of a tenth less than the window.
const windowSlots = 10

// window counts what happened within the last while. It is safe for concurrent
// use, and waits for nobody.
//
// Each slot holds the number of its time, in units of a slot's width, in the upper
// half, and a count in the lower one. Whoever finds an old number begins anew.
type window struct {
	slots [windowSlots]atomic.Uint64
}

// add counts one event at the time now, in a window of a width.
func (w *window) add(now, width int64) {
	at := slotOf(now, width)
	slot := &w.slots[at%windowSlots]
	for {
		before := slot.Load()
		after := before + 1
		if uint32(before>>32) != at {
			after = uint64(at)<<32 | 1
		}
		if slot.CompareAndSwap(before, after) {
			return
		}
	}
}

// sum returns how many events there were.
func (w *window) sum(now, width int64) int64 {
	at, n := slotOf(now, width), int64(0)
	for i := range w.slots {
		slot := w.slots[i].Load()
		// What was counted by another width may seem to be of the future.
		if at-uint32(slot>>32) < windowSlots {
			n += int64(uint32(slot))
		}
	}
	return n
}

// slotOf never returns less than windowSlots: a slot that is zero is of long ago.
func slotOf(now, width int64) uint32 {
	return uint32(now/max(1, width/windowSlots)) + windowSlots
}
