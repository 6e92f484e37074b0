package overload

import (
	"slices"
	"sync/atomic"
	"time"
)

// Queue has a function run behind all that waits in a driver's queue now, soon and
// once: before it returns where nothing waits, and else without waiting for it.
type Queue func(func())

// window is how many samples of delay make one: the least of them counts.
const window = 20

// queue measures the delay of one Queue, by what is sent through it.
type queue struct {
	post  Queue
	clock func() time.Duration
	// sent is when the last function was sent, if waiting says that it has not
	// run; waited is how long the one before had to wait.
	sent    time.Duration
	waiting atomic.Bool
	waited  atomic.Int64
}

// sample returns how long the last function waited, or has waited by now.
func (q *queue) sample() time.Duration {
	if q.waiting.Load() {
		return q.clock() - q.sent
	}
	last := time.Duration(q.waited.Load())
	sent := q.clock()
	q.sent = sent
	q.waiting.Store(true)
	q.post(func() {
		q.waited.Store(int64(q.clock() - sent))
		q.waiting.Store(false)
	})
	return last
}

// delay follows the slowest of several queues.
type delay struct {
	queues  []*queue
	samples [window]time.Duration
	next    int
}

func newDelay(queues []Queue, clock func() time.Duration) *delay {
	d := &delay{}
	for _, post := range queues {
		d.queues = append(d.queues, &queue{post: post, clock: clock})
	}
	return d
}

// waits says whether something waits in one of the queues, behind what was sent last. It
// is false where all drivers sleep.
func (d *delay) waits() bool {
	return slices.ContainsFunc(d.queues, func(q *queue) bool { return q.waiting.Load() })
}

// measure returns the least delay of the last samples, of which it takes one.
func (d *delay) measure() time.Duration {
	var worst time.Duration
	for _, q := range d.queues {
		worst = max(worst, q.sample())
	}
	d.samples[d.next%window] = worst
	d.next++
	return slices.Min(d.samples[:])
}
