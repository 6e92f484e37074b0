package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"
)

// race is a workload whose engines take turns, each with a load of its own that lives
// through all rounds.
type race struct {
	*bench
	w     workload
	found *findings
	lanes []*lane
	// end is when the loads end, last is when turns do, and each round takes length.
	end, last time.Time
	length    time.Duration
}

// lane is one of an engine that runs.
func (b *bench) lane(e engine, p *process, w workload) *lane {
	return &lane{target: b.target(e, w), w: w, behind: b.backends[w.front], proxy: p}
}

// loadLog is where a lane's load writes.
func (b *bench) loadLog(l *lane) string {
	return filepath.Join(b.work, fmt.Sprintf("load-%d.log", l.target.port))
}

// turns measures the engines that answer right.
func (b *bench) turns(ctx context.Context, w workload, f *findings) error {
	r := &race{bench: b, w: w, found: f}
	for i, e := range b.engines {
		if w.asks(e) && !b.refused[e.name] {
			r.lanes = append(r.lanes, b.lane(e, b.running[i], w))
		}
	}
	r.plan(time.Now())
	defer func() {
		for _, l := range r.lanes {
			l.stopLoad()
		}
	}()
	for _, l := range r.lanes {
		r.try(l, func() error {
			return l.startLoad(ctx, b.loadLog(l), r.left(), warmTime)
		})
	}
	for round := range b.rounds {
		if err := r.round(ctx, round); err != nil {
			return err
		}
	}
	return r.finish(ctx)
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

// plan says when what ends. A round takes as many seconds for each engine as the flags
// say, and begins where the one before ends. Turns that are under way at the end of
// the last one go on.
func (r *race) plan(now time.Time) {
	engines := time.Duration(len(r.lanes))
	r.length = engines * time.Duration(r.seconds) * time.Second
	r.last = now.Add(engines*warmTime*5/4 + time.Duration(r.rounds)*r.length)
	r.end = r.last.Add(time.Second + 4*engines*turnTime)
}

// left is for how many seconds a load lives that is started now.
func (r *race) left() int { return max(1, int(math.Ceil(time.Until(r.end).Seconds()))) }

// round has all lanes take turns until its time is up, at least once there and back.
// Another one begins each time.
func (r *race) round(ctx context.Context, round int) error {
	end := r.last.Add(-time.Duration(r.rounds-1-round) * r.length)
	n := round % max(1, len(r.lanes))
	order := thereAndBack(append(r.lanes[n:len(r.lanes):len(r.lanes)], r.lanes[:n]...))
	for again := true; again && len(order) > 0; again = time.Now().Before(end) {
		for _, l := range order {
			r.try(l, func() error { return l.turn(ctx) })
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	for _, l := range r.lanes {
		r.try(l, func() error { return r.note(l, round) })
	}
	return nil
}

// note keeps what a lane's turns of a round have found.
func (r *race) note(l *lane, round int) error {
	if l.spent.units == 0 {
		return errors.New("no request was answered in its turns")
	}
	s := l.spent.sample(r.w)
	l.spent = spent{}
	r.found.rounds[turned].add(r.w.name, l.target.engine, s)
	fmt.Printf("%s, turns of round %d: %s %s\n", r.w.name, round+1, l.target.engine, r.w.cost(s))
	return nil
}

// finish has the loads go on to their ends. Only then they say whether requests had
// errors, which voids all rounds.
func (r *race) finish(ctx context.Context) error {
	for _, l := range r.lanes {
		r.try(l, func() error {
			said, err := l.finish(ctx)
			for i := range r.found.rounds[turned][r.w.name][l.target.engine] {
				r.found.rounds[turned][r.w.name][l.target.engine][i].errors = said.errors
			}
			return err
		})
	}
	return ctx.Err()
}

// cost tells of an engine's turns on the terminal.
func (w workload) cost(s sample) string {
	if w.front == stream {
		return fmt.Sprintf("%.3f s of CPU per GB, %.3f s with both ends", s.cpu, s.machine)
	}
	return fmt.Sprintf("%.1f µs of CPU per request", s.cpu)
}
