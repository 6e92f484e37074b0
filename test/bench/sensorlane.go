package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// loadTime is more seconds than any lane with a sensor lives for.
const loadTime = 3600

const (
	sensorFile = "fleetgate-sensor"
	socketFile = "probe.sock"
)

// sensorLane is a lane whose proxy is its own, with a sensor or none.
type sensorLane struct {
	lane
	// number is its own; ports and the folder follow from it.
	number int
	// state is what kind of sensor it has.
	state string
	work  string

	sensor *process
	leave  func()
	// before is what its sensor said when it was warm.
	before sensorState
}

func (l *sensorLane) engine() engine {
	return engine{name: nameFleetgate, number: l.number, fronts: allFronts}
}

func (l *sensorLane) file(name string) string { return filepath.Join(l.work, name) }

// The lane's own ports beside those of its proxy's listeners.
func (l *sensorLane) healthPort() int { return 19200 + l.number }
func (l *sensorLane) adminPort() int  { return 19300 + l.number }
func (l *sensorLane) sensorPort() int { return 19400 + l.number }

// prepare fills the lane's folder. Each has a copy of the proxy: a probe sits on a
// file, and all that run the file call it.
func (l *sensorLane) prepare(proxy []byte) error {
	if err := os.MkdirAll(l.work, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(l.file(proxyFile), proxy, 0o755); err != nil {
		return err
	}
	return errors.Join(writeCertificate(l.work), writeLoadFiles(l.work))
}

// start starts the lane's proxy, its sensor and its load, which is stopped when
// start returns. What runs then is the caller's to stop, with an error too.
func (l *sensorLane) start(ctx context.Context, sensor string) (err error) {
	if err := l.startProxy(ctx); err != nil {
		return err
	}
	if l.state != alone {
		if l.sensor, err = l.startSensor(ctx, sensor); err != nil {
			return err
		}
	}
	if err := l.startLoad(ctx, l.file("load.log"), loadTime, warmTime); err != nil || l.sensor == nil {
		return err
	}
	l.before, _, err = scrapeSensor(ctx, l.sensor, l.sensorPort())
	return err
}

func (l *sensorLane) startProxy(ctx context.Context) error {
	command, err := fleetgate(siteOf(l.work, l.engine()))
	if err != nil {
		return err
	}
	command = append(command, "--probe-socket", l.file(socketFile),
		"--health-address", address(l.healthPort()), "--admin-address", address(l.adminPort()))
	if l.proxy, err = start(ctx, proxyCPU, plain.port(l.number), l.file("proxy.log"), command...); err != nil {
		return err
	}
	pids, err := family(l.proxy.pid())
	if err != nil {
		return err
	}
	if l.leave, err = ownCgroup(pids); err != nil {
		return err
	}
	return l.w.probe(ctx, l.target)
}

// startSensor returns when the sensor counts what the proxy does.
func (l *sensorLane) startSensor(ctx context.Context, binary string) (*process, error) {
	p, err := start(ctx, loadCPU, 0, l.file("sensor.log"), binary,
		"--probe-socket", l.file(socketFile), "--metrics-address", address(l.sensorPort()), "--mode", l.state)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		now, err := readSensor(ctx, l.sensorPort())
		if err == nil && now.greeted {
			if l.state == uprobe && !now.attached {
				err = errors.New("the sensor fell back to shared memory")
			}
			return p, err
		}
		if wait(ctx, 20*time.Millisecond) != nil {
			said, _ := os.ReadFile(p.log)
			return p, fmt.Errorf("waiting for the sensor: %w, %w\n%s", ctx.Err(), err, said)
		}
	}
}

// stop ends all that runs.
func (l *sensorLane) stop() {
	l.stopLoad()
	if l.sensor != nil {
		l.sensor.stop()
	}
	if l.proxy != nil {
		l.proxy.stop()
	}
	if l.leave != nil {
		l.leave()
	}
}

// found is what the lane's turns were, and what its sensor took. The sensor has to
// have counted all of them.
func (l *sensorLane) found(ctx context.Context) (slice, error) {
	if l.spent.units == 0 {
		return slice{}, errors.New("no request was answered")
	}
	s := slice{burden: l.spent.burden()}
	if l.sensor == nil {
		return s, nil
	}
	bytes, err := anonymousBytes(l.sensor.pid())
	if err != nil {
		return s, err
	}
	after, took, err := scrapeSensor(ctx, l.sensor, l.sensorPort())
	if err != nil {
		return s, err
	}
	if counted := after.requests - l.before.requests; counted < float64(s.requests) {
		return s, fmt.Errorf("the sensor counted %.0f of %d requests", counted, s.requests)
	}
	s.mode, s.memory, s.scrape = after.mode, float64(bytes), took
	return s, nil
}
