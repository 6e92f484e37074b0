package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// memoryRounds is the most that are made of a peer. Those of Fleetgate, which has a
	// bar, are more: buffers that are shared by many grow in one round and not in another.
	memoryRounds, ownMemoryRounds = 1, 5
	// settle is how long an engine gets to give back what it needs no more.
	settle = time.Second
	// warmRequests make an engine allocate what it keeps for all connections.
	warmRequests = 500
	// secureShare of the idle connections are opened where each takes a handshake,
	// and as much more memory.
	secureShare = 5
	// steps of equally many connections are made. What the first one takes is not
	// counted: it fills the memory that an engine has and does not use.
	steps = 3
)

// idleWorkload is what is asked of engines that are started afresh.
type idleWorkload struct {
	name string
	front
	// step is how many connections come between two looks at the memory.
	step    int
	engines []string
}

func (o options) idleWorkloads() []idleWorkload {
	return []idleWorkload{
		{idlePlain, plain, o.idle, []string{nameFleetgate, nameNginx, nameHAProxy, nameForwarder, nameFasthttp, nameNetHTTP, nameCaddy}},
		{idleSecure, secure, max(1, o.idle/secureShare), []string{nameFleetgate, nameNginx, nameHAProxy, nameNetHTTP, nameCaddy}},
	}
}

// counted is how many connections come after the first step.
func (w idleWorkload) counted() float64 { return float64((steps - 1) * w.step) }

// asks says whether the workload is for an engine.
func (w idleWorkload) asks(e engine) bool {
	return e.has(w.front) && slices.Contains(w.engines, e.name)
}

// memory measures what idle connections cost: each makes one request and then
// stays.
func (b *bench) memory(ctx context.Context, f *findings) error {
	for _, w := range b.idleWorkloads() {
		if !b.selected(w.name) {
			continue
		}
		b.refused = map[string]bool{}
		for round := range min(b.rounds, ownMemoryRounds) {
			for _, e := range b.engines {
				if !w.asks(e) || b.refused[e.name] || round >= memoryRounds && e.name != nameFleetgate {
					continue
				}
				bytes, err := b.idleBytes(ctx, e, w)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					b.refuse(e.name, w.name, f, err)
					continue
				}
				f.rounds[steady].add(w.name, e.name, sample{bytes: bytes, units: w.counted()})
				fmt.Printf("%s, round %d: %s %.0f bytes\n", w.name, round+1, e.name, bytes)
			}
		}
	}
	return nil
}

// idleBytes is by how much an engine's anonymous memory grows with each idle
// connection, from the end of the first step to that of the last. Fleetgate can
// hold freed memory that its connections then fill, so that less is seen to grow;
// what its runtime says it makes use of counts where that grows by more.
func (b *bench) idleBytes(ctx context.Context, e engine, w idleWorkload) (float64, error) {
	p, err := b.startEngine(ctx, e)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	t := b.target(e, workload{front: w.front})
	// An engine need not open all of its ports at once.
	if err := p.ready(ctx, t.port); err != nil {
		return 0, err
	}
	if err := warm(t); err != nil {
		return 0, err
	}
	clients := &idlers{}
	defer clients.close()
	var held, used []int64
	for range steps {
		if err := clients.open(ctx, t, w.step); err != nil {
			return 0, err
		}
		bytes, err := settled(ctx, p)
		if err != nil {
			return 0, err
		}
		held = append(held, bytes)
		if e.name != nameFleetgate {
			continue
		}
		inUse, err := metrics(ctx, bytesInUse)
		if err != nil {
			return 0, err
		}
		used = append(used, int64(inUse))
	}
	grown := slope(held, w.step)
	if used != nil {
		grown = max(grown, slope(used, w.step))
	}
	return grown, clients.stillThere()
}

// slope is the growth between the first and the last of values that are equally
// far apart.
func slope(values []int64, step int) float64 {
	last := len(values) - 1
	return float64(values[last]-values[0]) / float64(last*step)
}

// warm makes requests on one connection.
func warm(t target) error {
	c, err := dial(t)
	if err != nil {
		return err
	}
	defer c.connection.Close()
	for range warmRequests {
		if err := c.get(); err != nil {
			return err
		}
	}
	return nil
}

// settled waits a little and returns the anonymous memory of a process and of
// those it has forked.
func settled(ctx context.Context, p *process) (int64, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(settle):
	}
	return anonymousBytes(p.pid())
}

// anonymousBytes is the anonymous memory of a process and of those it has forked.
func anonymousBytes(pid int) (int64, error) {
	var sum int64
	err := eachOf(pid, func(pid int) error {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return err
		}
		bytes, err := parseRssAnon(string(status))
		sum += bytes
		return err
	})
	return sum, err
}

// parseRssAnon reads the line "RssAnon: N kB" of a process's status (proc(5)).
func parseRssAnon(status string) (int64, error) {
	for line := range strings.Lines(status) {
		value, ok := strings.CutPrefix(line, "RssAnon:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("RssAnon: %w", err)
		}
		return kib << 10, nil
	}
	return 0, errors.New("status has no RssAnon")
}
