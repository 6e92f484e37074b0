package main

import (
	"context"
	"errors"
	"time"

	"github.com/fleetgate/fleetgate/test/bench/perf"
)

// countedRounds are made of figures with a bar. The others need no repetition.
const countedRounds = 3

// length is how much work a counted round is made of: units, but not for less nor
// for longer than some time.
type length struct {
	units       int64
	least, most time.Duration
}

// seconds is for how long the load of such a round lives.
func (l length) seconds() int { return int((countedWarm+2*restLimit+l.most)/time.Second) + 1 }

// objectsGrain is how many objects can be missing or too many in what a proxy says that
// it has allocated: Go's runtime counts them a memory span at a time.
const objectsGrain = 5000

// lengthOf is as much as a figure with a bar needs: so many requests that objectsGrain
// of them is not more than the bar lets pass. And how often a proxy waits for more to
// do, which each time is a system call, depends on the speed that the machine has at
// the moment.
func lengthOf(e engine, w workload) length {
	if e.name == nameFleetgate && hasBar(w.name, allocations) {
		return length{units: objectsGrain / none, least: time.Second, most: time.Minute}
	}
	return length{least: time.Second, most: time.Second}
}

// tally is what was counted of a proxy so far.
type tally struct {
	calls uint64
	// objects are what Fleetgate has allocated.
	objects float64
	units   int64
}

// tallied has the load go on for a while, and says what each unit of work took. It
// is the same load at both ends, with the same connections.
func (l *lane) tallied(ctx context.Context, c *perf.SystemCalls, of length, idle idleness) (sample, error) {
	before, err := l.tally(ctx, c)
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	if err := errors.Join(l.resume(), l.work(ctx, before.units+of.units, of)); err != nil {
		return sample{}, err
	}
	took := time.Since(began)
	if err := l.pause(ctx); err != nil {
		return sample{}, err
	}
	after, err := l.tally(ctx, c)
	if err != nil {
		return sample{}, err
	}
	return after.since(before, idle.objects(took), l.w)
}

// work returns when the backend has done so much, or when there is no more time.
func (l *lane) work(ctx context.Context, units int64, of length) error {
	limit := time.Now().Add(of.most)
	if err := wait(ctx, of.least); err != nil {
		return err
	}
	for time.Now().Before(limit) {
		done, err := l.behind.done()
		if err != nil || done >= units {
			return err
		}
		if err := wait(ctx, turnTime); err != nil {
			return err
		}
	}
	return nil
}

func (l *lane) tally(ctx context.Context, c *perf.SystemCalls) (t tally, err error) {
	if t.units, err = l.behind.done(); err != nil {
		return t, err
	}
	if l.target.engine == nameFleetgate {
		if t.objects, err = metrics(ctx, allocatedObjects); err != nil {
			return t, err
		}
	}
	t.calls, err = c.Read()
	return t, err
}

// since is what each unit of a workload took from one tally to another, but for the
// objects that idleness takes.
func (t tally) since(before tally, idle float64, w workload) (sample, error) {
	units := float64(t.units - before.units)
	if units == 0 {
		return sample{}, errors.New("no request was answered")
	}
	if w.front == stream {
		units /= gigabyte
	}
	return sample{
		systemCalls: float64(t.calls-before.calls) / units,
		allocations: max(0, t.objects-before.objects-idle) / units,
		units:       units,
	}, nil
}
