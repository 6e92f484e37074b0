package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// What runs beside the proxy in a slice.
const (
	alone  = "none"
	uprobe = "uprobe"
	shared = "shm"
)

const (
	sensorAddress = "127.0.0.1:19002"
	sensorFile    = "fleetgate-sensor"
	socketFile    = "probe.sock"
)

// slice is what one piece of the load found.
type slice struct {
	burden
	// mode is the sensor's word for how it counted, empty without one.
	mode string
	// beside is the CPU time that the sensor took meanwhile, in milliseconds per second.
	beside float64
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
	requests int
}

// round is one of each; twice without a sensor, which shows what noise there is.
type round struct {
	first, second  slice
	uprobe, shared slice
}

// prepareSensor fills the folder with what the sensor's cost is measured with.
func prepareSensor(ctx context.Context, work string, o options) error {
	if err := install(ctx, map[string]string{"wrk": "wrk", "gcc": "gcc libc6-dev", "taskset": "util-linux"}); err != nil {
		return err
	}
	if err := errors.Join(compileNative(ctx, work), writeCertificate(work)); err != nil {
		return err
	}
	for from, to := range map[string]string{o.proxy: "fleetgate-proxy", o.sensor: sensorFile} {
		binary, err := os.ReadFile(from)
		if err != nil {
			return fmt.Errorf("%s (make build makes it): %w", to, err)
		}
		if err := os.WriteFile(filepath.Join(work, to), binary, 0o755); err != nil {
			return err
		}
	}
	f := machineFacts(ctx)
	f.Versions = []string{versionOf("wrk", output(ctx, "wrk", "-v"))}
	return f.write(work)
}

// sensorBench loads one proxy, while sensors come and go.
type sensorBench struct {
	*bench
	proxy *process
	w     workload
}

// sensorCost measures all rounds.
func (b *bench) sensorCost(ctx context.Context) ([]round, error) {
	backends, err := b.startBackends(ctx)
	defer stopAll(backends)
	if err != nil {
		return nil, err
	}
	s := &sensorBench{bench: b, w: workload{name: small64, path: "/1k", bytes: 1 << 10, connections: 64, load: wrk}}
	command, err := fleetgate(siteOf(b.work, sensed))
	if err != nil {
		return nil, err
	}
	command = append(command, "--probe-socket", filepath.Join(b.work, socketFile))
	if s.proxy, err = start(ctx, proxyCPU, plain.port(sensed.number), filepath.Join(b.work, "proxy.log"), command...); err != nil {
		return nil, err
	}
	leave, err := ownCgroup(s.proxy.pid())
	if err != nil {
		s.proxy.stop()
		return nil, err
	}
	// A cgroup can be removed when nobody is in it.
	defer leave()
	defer s.proxy.stop()
	return s.rounds(ctx)
}

// sensed is the engine whose proxy is measured.
var sensed = engine{name: nameFleetgate, number: 1, fronts: allFronts}

// ownCgroup moves the proxy to a cgroup of its own, so that the connections of
// load generator and backend are not counted with its own. The process leaves it
// by its end, after which the returned function removes it.
func ownCgroup(pid int) (remove func(), err error) {
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(mount, "cgroup.controllers")); err != nil {
			continue
		}
		dir, err := os.MkdirTemp(mount, "fleetgate-bench-")
		if err != nil {
			return nil, fmt.Errorf("making a cgroup: %w", err)
		}
		// Nothing more can be done about one that stays.
		remove = func() { _ = os.Remove(dir) }
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
			remove()
			return nil, fmt.Errorf("moving the proxy to a cgroup: %w", err)
		}
		return remove, nil
	}
	return nil, errors.New("no cgroup v2 hierarchy is mounted")
}

// rounds measures them. What comes first changes from round to round, so that
// what drifts does so against nobody.
func (s *sensorBench) rounds(ctx context.Context) ([]round, error) {
	if err := s.w.probe(ctx, s.target(sensed, s.w)); err != nil {
		return nil, err
	}
	// The first slice is a warm-up.
	if _, err := s.slice(ctx, alone); err != nil {
		return nil, err
	}
	var found []round
	for i := range s.bench.rounds {
		var r round
		order := []struct {
			state string
			into  *slice
		}{{alone, &r.first}, {uprobe, &r.uprobe}, {alone, &r.second}, {shared, &r.shared}}
		if i%2 == 1 {
			order[1], order[3] = order[3], order[1]
		}
		for _, o := range order {
			var err error
			if *o.into, err = s.slice(ctx, o.state); err != nil {
				return nil, fmt.Errorf("round %d, %s: %w", i+1, o.state, err)
			}
		}
		found = append(found, r)
		fmt.Printf("round %d: %.2f and %.2f µs of CPU per request without a sensor, %.2f by %s, %.2f by %s\n",
			i+1, r.first.cpu, r.second.cpu, r.uprobe.cpu, r.uprobe.mode, r.shared.cpu, r.shared.mode)
	}
	return found, nil
}

// slice loads the proxy for a while with a sensor of some kind, or without one.
func (s *sensorBench) slice(ctx context.Context, state string) (slice, error) {
	if state == alone {
		if err := s.settle(ctx); err != nil {
			return slice{}, err
		}
		b, err := s.load(ctx)
		return slice{burden: b}, err
	}
	p, err := s.startSensor(ctx, state)
	if err != nil {
		return slice{}, err
	}
	defer p.stop()
	found, err := s.sensed(ctx, p)
	if err != nil || state == uprobe {
		return found, err
	}
	// A proxy goes on counting in shared memory when that sensor has gone. The
	// next one to attach ends that.
	p.stop()
	p, err = s.startSensor(ctx, uprobe)
	if err == nil {
		p.stop()
	}
	return found, err
}

// sensed is a slice with a sensor, which has to have counted all of it.
func (s *sensorBench) sensed(ctx context.Context, p *process) (found slice, err error) {
	before, _, err := scrapeSensor(ctx, p)
	if err != nil {
		return found, err
	}
	if err := s.settle(ctx); err != nil {
		return found, err
	}
	idle, err := cpuTime(p.pid())
	if err != nil {
		return found, err
	}
	if found.burden, err = s.load(ctx); err != nil {
		return found, err
	}
	busy, err := cpuTime(p.pid())
	if err != nil {
		return found, err
	}
	found.beside = float64((busy - idle).Milliseconds()) / float64(s.seconds)
	after, took, err := scrapeSensor(ctx, p)
	if err != nil {
		return found, err
	}
	if counted := after.requests - before.requests; counted < float64(found.requests) {
		return found, fmt.Errorf("the sensor counted %.0f of %d requests", counted, found.requests)
	}
	found.mode, found.scrape = after.mode, took
	bytes, err := anonymousBytes(p.pid())
	found.memory = float64(bytes)
	return found, err
}

// settle loads the proxy for a second that does not count. A proxy that has just met a
// sensor tells it of thousands of routes, and collects the garbage of that; the first
// calls of the probe function trap; and what the slice before has left in caches goes.
func (s *sensorBench) settle(ctx context.Context) error {
	const seconds = 1
	_, err := s.w.load(ctx, s.target(sensed, s.w), seconds, s.w)
	return err
}

// load is the work that counts.
func (s *sensorBench) load(ctx context.Context) (burden, error) {
	pid := s.proxy.pid()
	slept, err := sleeps(pid)
	if err != nil {
		return burden{}, err
	}
	before, err := cpuTime(pid)
	if err != nil {
		return burden{}, err
	}
	l, err := s.w.load(ctx, s.target(sensed, s.w), s.seconds, s.w)
	if err != nil {
		return burden{}, err
	}
	after, err := cpuTime(pid)
	if err != nil {
		return burden{}, err
	}
	sleptAfter, err := sleeps(pid)
	found := l.sample(after - before)
	return burden{cpu: found.cpu, sleeps: 1000 * float64(sleptAfter-slept) / float64(l.requests), rate: found.rate, requests: l.requests}, err
}

// startSensor starts one and waits until it counts what the proxy does.
func (s *sensorBench) startSensor(ctx context.Context, mode string) (*process, error) {
	p, err := start(ctx, loadCPU, 0, filepath.Join(s.work, "sensor.log"), filepath.Join(s.work, sensorFile),
		"--probe-socket", filepath.Join(s.work, socketFile), "--metrics-address", sensorAddress, "--mode", mode)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		now, err := readSensor(ctx)
		if err == nil && now.greeted {
			if mode == uprobe && !now.attached {
				err = errors.New("it fell back to shared memory")
			}
			if err != nil {
				p.stop()
			}
			return p, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			p.stop()
			said, _ := os.ReadFile(p.log)
			return nil, fmt.Errorf("waiting for the sensor: %w, %w\n%s", ctx.Err(), err, said)
		}
	}
}
