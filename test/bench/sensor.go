package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// What kind of sensor a lane has.
const (
	alone  = "none"
	uprobe = "uprobe"
	shared = "shm"
)

// slice is what one lane's turns found in a round.
type slice struct {
	burden
	// mode is the sensor's word for how it counted, empty without one.
	mode string
	// memory is the sensor's anonymous memory in bytes, scrape the CPU time that its
	// metrics took it.
	memory float64
	scrape time.Duration
}

// burden is what the load of a slice was to the proxy.
type burden struct {
	// cpu is the proxy's, in microseconds per request, and sleeps how often it waited
	// for something to do, per thousand requests.
	cpu, sleeps float64
	// rate is in requests per second.
	rate     float64
	requests int64
}

// round is one of each; twice without a sensor, which shows what noise there is.
type round struct {
	first, second  slice
	uprobe, shared slice
	// loops are those of meanwhile.
	loops loops
}

// prepareSensor fills the folder with what the sensor's cost is measured with.
func prepareSensor(ctx context.Context, work string, o options) error {
	if err := install(ctx, map[string]string{"wrk": "wrk", "gcc": "gcc libc6-dev", "taskset": "util-linux"}); err != nil {
		return err
	}
	if err := compileNative(ctx, work); err != nil {
		return err
	}
	proxy, err := os.ReadFile(o.proxy)
	if err != nil {
		return fmt.Errorf("%s (make build makes it): %w", proxyFile, err)
	}
	sensor, err := os.ReadFile(o.sensor)
	if err != nil {
		return fmt.Errorf("%s (make build makes it): %w", sensorFile, err)
	}
	if err := os.WriteFile(filepath.Join(work, sensorFile), sensor, 0o755); err != nil {
		return err
	}
	for _, l := range lanes(work, 0) {
		if err := l.prepare(proxy); err != nil {
			return err
		}
	}
	f := machineFacts(ctx)
	f.Versions = []string{versionOf("wrk", output(ctx, "wrk", "-v"))}
	return f.write(work)
}

// lanes are one of each state, in folders below work, with roles that change from
// round to round: the ports, and the order in which lanes are started and loaded,
// are nobody's for good.
func lanes(work string, round int) []*sensorLane {
	states := []string{alone, uprobe, alone, shared}
	w := workload{name: small64, path: "/1k", bytes: 1 << 10, connections: 64, load: wrk}
	all := make([]*sensorLane, len(states))
	for i := range all {
		number, folder := i+1, filepath.Join(work, fmt.Sprintf("lane-%d", i+1))
		t := target{work: folder, front: plain, engine: nameFleetgate, port: plain.port(number)}
		all[i] = &sensorLane{lane: lane{target: t, w: w}, number: number, state: states[(i+round)%len(states)], work: folder}
	}
	return all
}

// sensorCost measures all rounds.
func (b *bench) sensorCost(ctx context.Context) ([]round, error) {
	backends, err := startBackends(ctx, b.work)
	defer backends.stop()
	if err != nil {
		return nil, err
	}
	var found []round
	for i := range b.rounds {
		r, err := b.round(ctx, lanes(b.work, i), backends[plain])
		if err != nil {
			return nil, fmt.Errorf("round %d: %w", i+1, err)
		}
		found = append(found, r)
		fmt.Printf("round %d: %.2f and %.2f µs of CPU per request without a sensor, %.2f by %s, %.2f by %s\n",
			i+1, r.first.cpu, r.second.cpu, r.uprobe.cpu, r.uprobe.mode, r.shared.cpu, r.shared.mode)
	}
	return found, nil
}

// round starts all lanes afresh, and loads them in turn.
func (b *bench) round(ctx context.Context, lanes []*sensorLane, behind backend) (r round, err error) {
	for _, l := range lanes {
		defer l.stop()
		l.behind = behind
		if err := l.start(ctx, filepath.Join(b.work, sensorFile)); err != nil {
			return r, fmt.Errorf("%s: %w", l.state, err)
		}
	}
	times := max(1, time.Duration(b.seconds)*time.Second/(2*turnTime*time.Duration(len(lanes))))
	var sum loops
	for range times {
		if err := takeTurns(ctx, lanes); err != nil {
			return r, err
		}
		l, err := runLoops()
		if err != nil {
			return r, err
		}
		sum = loops{sum.call + l.call, sum.record + l.record, sum.together + l.together}
	}
	r, err = roundOf(ctx, lanes)
	r.loops = loops{sum.call / times, sum.record / times, sum.together / times}
	return r, err
}

// takeTurns loads each lane twice, there and back again.
func takeTurns(ctx context.Context, lanes []*sensorLane) error {
	for _, l := range thereAndBack(lanes) {
		if err := l.turn(ctx); err != nil {
			return fmt.Errorf("%s: %w", l.state, err)
		}
	}
	return nil
}

// roundOf reads what the turns have found.
func roundOf(ctx context.Context, lanes []*sensorLane) (r round, err error) {
	var alones []slice
	for _, l := range lanes {
		s, err := l.found(ctx)
		if err != nil {
			return r, fmt.Errorf("%s: %w", l.state, err)
		}
		switch l.state {
		case uprobe:
			r.uprobe = s
		case shared:
			r.shared = s
		default:
			alones = append(alones, s)
		}
	}
	r.first, r.second = alones[0], alones[1]
	return r, nil
}
