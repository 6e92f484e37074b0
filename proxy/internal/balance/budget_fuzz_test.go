package balance

import (
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// budget is what the retries of a Cluster are held to: the share by the numbers
// of what goes on, and the minimum rate by the retries that it was needed for.
type budget struct {
	requests, retries int64
	policy            *Policy
	// free is up to when the minimum rate is used up.
	free int64
}

// allows says whether a retry is allowed at the time now, and counts it.
func (b *budget) allows(now int64) bool {
	if (b.retries+1)*100 > b.policy.retryPercent*b.requests {
		next := max(b.free, now) + b.policy.retryInterval
		if b.policy.retryInterval == 0 || next > now+b.policy.retryAhead {
			return false
		}
		b.free = next
	}
	b.retries++
	return true
}

// FuzzRetryBudget compares a budget without an interval with a plain one, over
// requests and retries that begin and end at any time.
func FuzzRetryBudget(f *testing.F) {
	f.Add(int32(20), int32(10), []byte("\x00\x00\x00\x00\x00\x02\x02\x03\x10\x02"))
	f.Add(int32(100), int32(-1), []byte("\x00\x02\x02\x03\x01\x02"))
	f.Add(int32(-1), int32(2), []byte("\x02\x02\x02\xff\x02\x02\x03\x03\x03\x03"))
	f.Fuzz(func(t *testing.T, percent, perSecond int32, ops []byte) {
		in := &proxyconfig.Policy{RetryBudget: &proxyconfig.RetryBudget{Percent: percent, MinPerSecond: perSecond}}
		if proxyconfig.ValidatePolicy(in) != nil {
			return
		}
		c := applyPolicy(t, NewRegistry(Options{}), addresses(1), in)
		e, want, now := c.Endpoints()[0], budget{policy: c.Policy()}, second
		for i, op := range ops {
			switch op & 3 {
			case 0:
				e.Begin()
				want.requests++
			case 1:
				if want.requests > 0 {
					e.End(now, now, Answered)
					want.requests--
				}
			case 2:
				if got := c.AllowRetry(now); got != want.allows(now) {
					t.Fatalf("after %d steps, with %d requests and %d retries: got %v", i, want.requests, want.retries, got)
				}
			case 3:
				if op>>2 != 0 {
					now += int64(op>>2) << 24
				} else if want.retries > 0 {
					c.RetryDone()
					want.retries--
				}
			}
		}
	})
}

// FuzzWindow compares a window with a list of all events: it counts those of the
// last nine tenths of its width, and none that is older than the width.
func FuzzWindow(f *testing.F) {
	f.Add(int64(10*second), []byte("\x01\x01\x01\x21\x01\x41\x01\xa1"))
	f.Add(int64(1000), []byte("\x01\xff\x01\xff\x01"))
	f.Add(int64(11), []byte("\x01\x03\x01\x03\x01\x03\x01"))
	f.Fuzz(func(t *testing.T, width int64, ops []byte) {
		if width < windowSlots || width > 24*3600*second {
			return
		}
		var w window
		var events []int64
		now := int64(1)
		for _, op := range ops {
			// At most a tenth more than the width passes at a time.
			now += width / 100 * int64(op>>1) * 110 / 127
			if op&1 == 1 {
				w.add(now, width)
				events = append(events, now)
			}
			got, least, most := w.sum(now, width), int64(0), int64(0)
			for _, at := range events {
				if at > now-width {
					most++
				}
				if at > now-(width/windowSlots)*(windowSlots-1) {
					least++
				}
			}
			if got < least || got > most {
				t.Fatalf("at %d: got %d, want %d to %d of %v", now, got, least, most, events)
			}
		}
	})
}
