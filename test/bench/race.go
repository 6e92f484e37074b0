package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"
)

// startWarm is for how long a lane is loaded before its first turn, where no sensor
// joins its proxy.
const startWarm = 300 * time.Millisecond

// race is one round of a workload whose engines take turns. Each is started afresh, and
// has a load of its own, which lives until the round ends.
type race struct {
	*bench
	w     workload
	round int
	found *findings
	lanes []*lane
	// last is when turns end, and end when loads do.
	last, end time.Time
}

// lane is one of an engine that runs, or of one that is yet to be started.
func (b *bench) lane(e engine, p *process, w workload) *lane {
	return &lane{target: b.target(e, w), w: w, behind: b.backends[w.front], proxy: p}
}

// loadLog is where a lane's load writes.
func (b *bench) loadLog(l *lane) string {
	return filepath.Join(b.work, fmt.Sprintf("load-%d.log", l.target.port))
}

// turns measures the engines that answer right.
func (b *bench) turns(ctx context.Context, w workload, f *findings) error {
	for round := range b.rounds {
		r := &race{bench: b, w: w, round: round, found: f}
		if err := r.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// run ends all loads that it has started. The engines stay up.
func (r *race) run(ctx context.Context) error {
	defer func() {
		for _, l := range r.lanes {
			l.stopLoad()
		}
	}()
	r.startEngines(ctx)
	r.plan(time.Now())
	for _, l := range r.lanes {
		r.try(l, func() error {
			return l.startLoad(ctx, r.loadLog(l), r.left(), startWarm)
		})
	}
	if err := r.takeTurns(ctx); err != nil {
		return err
	}
	for _, l := range r.lanes {
		r.try(l, func() error { return r.note(ctx, l) })
	}
	return ctx.Err()
}

// startEngines ends the engines that take part, and starts them again.
func (r *race) startEngines(ctx context.Context) {
	taking := r.taking(r.w, r.round)
	var old []*process
	for _, i := range taking {
		old = append(old, r.running[i])
	}
	stopAll(old)
	for _, i := range taking {
		l := r.lane(r.engines[i], nil, r.w)
		r.lanes = append(r.lanes, l)
		r.try(l, func() error {
			err := r.startAgain(ctx, i, r.w)
			l.proxy = r.running[i]
			return err
		})
	}
}

// try leaves a lane out in which something goes wrong, with its load.
func (r *race) try(l *lane, do func() error) {
	if l.broken != nil {
		return
	}
	if l.broken = do(); l.broken != nil {
		l.stopLoad()
		r.refuse(l.target.engine, r.w.name, r.found, l.broken)
	}
}

// plan says when what ends. Turns take as many seconds for each engine as the flags
// say. Those that are under way at the end of that go on.
func (r *race) plan(now time.Time) {
	engines := time.Duration(len(r.lanes))
	r.last = now.Add(engines * (startWarm*5/4 + time.Duration(r.seconds)*time.Second))
	r.end = r.last.Add(time.Second + 4*engines*turnTime)
}

// left is for how many seconds a load lives that is started now.
func (r *race) left() int { return max(1, int(math.Ceil(time.Until(r.end).Seconds()))) }

// takeTurns has all lanes take turns until the time is up, at least once there and back.
func (r *race) takeTurns(ctx context.Context) error {
	for again := len(r.lanes) > 0; again; again = time.Now().Before(r.last) {
		for _, l := range thereAndBack(r.lanes) {
			r.try(l, func() error { return l.turn(ctx) })
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

// note keeps what a lane's turns have found. Its load goes on to its end before, as only
// then it says whether requests had errors.
func (r *race) note(ctx context.Context, l *lane) error {
	if l.spent.units == 0 {
		return errors.New("no request was answered in its turns")
	}
	said, err := l.finish(ctx)
	if err != nil {
		return err
	}
	s := l.spent.sample(r.w)
	s.errors = said.errors
	r.found.rounds[turned].add(r.w.name, l.target.engine, s)
	fmt.Printf("%s, turns of round %d: %s %s\n", r.w.name, r.round+1, l.target.engine, r.w.cost(s))
	return nil
}

// cost tells of an engine's turns on the terminal.
func (w workload) cost(s sample) string {
	if w.front == stream {
		return fmt.Sprintf("%.3f s of CPU per GB, %.3f s with both ends", s.cpu, s.machine)
	}
	return fmt.Sprintf("%.1f µs of CPU per request", s.cpu)
}
