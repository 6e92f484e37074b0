package main

import (
	"context"
	"slices"
	"time"
)

// turnTime is how long a lane is loaded before the next one is. What slows a machine
// down for longer meets all lanes alike.
const turnTime = 100 * time.Millisecond

// spent is what some turns took.
type spent struct {
	// cpu is the proxy's, and ends that of load and backend.
	cpu, ends time.Duration
	time      time.Duration
	sleeps    int
	// units are requests or bytes.
	units int64
}

// burden is that of a request.
func (s spent) burden() burden {
	n := float64(s.units)
	return burden{
		cpu:      float64(s.cpu.Nanoseconds()) / 1000 / n,
		sleeps:   1000 * float64(s.sleeps) / n,
		rate:     n / s.time.Seconds(),
		requests: s.units,
	}
}

// sample is what turns with a workload say of a proxy.
func (s spent) sample(w workload) sample {
	if w.front != stream {
		return loaded{requests: int(s.units), duration: s.time}.sample(s.cpu)
	}
	l := loaded{bytes: s.units, duration: s.time}
	found := l.sample(s.cpu)
	found.machine = (s.cpu + s.ends).Seconds() / l.units()
	return found
}

// minus is what was spent since before.
func (s spent) minus(before spent) spent {
	return spent{s.cpu - before.cpu, s.ends - before.ends, s.time - before.time, s.sleeps - before.sleeps, s.units - before.units}
}

func (s spent) plus(more spent) spent {
	return spent{s.cpu + more.cpu, s.ends + more.ends, s.time + more.time, s.sleeps + more.sleeps, s.units + more.units}
}

// thereAndBack is the order in which lanes take two turns each.
func thereAndBack[L any](lanes []L) []L {
	back := slices.Clone(lanes)
	slices.Reverse(back)
	return append(slices.Clone(lanes), back...)
}

// turn loads the lane for a while.
func (l *lane) turn(ctx context.Context) error {
	before, err := l.read()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := l.resume(); err != nil {
		return err
	}
	if err := wait(ctx, turnTime); err != nil {
		return err
	}
	took := time.Since(began)
	if err := l.pause(ctx); err != nil {
		return err
	}
	after, err := l.read()
	if err != nil {
		return err
	}
	after.time = took
	l.spent = l.spent.plus(after.minus(before))
	return nil
}

// read is what the proxy and its two ends have spent since they were started, and how
// much the backend has done for all lanes. Both stand still while all loads are stopped.
func (l *lane) read() (s spent, err error) {
	if s.units, err = l.behind.done(); err != nil {
		return s, err
	}
	if s.sleeps, err = sleeps(l.pids...); err != nil {
		return s, err
	}
	if s.cpu, err = cpuTime(l.pids...); err != nil {
		return s, err
	}
	s.ends, err = cpuTime(l.load.pid(), l.behind.pid())
	return s, err
}
