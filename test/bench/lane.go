package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	// warmTime is for how long a lane is loaded before its first turn: a proxy that has
	// just met a sensor tells it of its routes, and collects the garbage of that.
	warmTime = time.Second
	// drainTime is more than what is under way takes when the load stops.
	drainTime = 5 * time.Millisecond
	// loadTime is more than any lane lives for.
	loadTime = time.Hour
)

const (
	sensorFile = "fleetgate-sensor"
	socketFile = "probe.sock"
)

// lane is a proxy with a load of its own, and a sensor or none. Lanes run side by
// side and take turns: all loads but one are stopped at any time.
type lane struct {
	// number is its own; ports and the folder follow from it.
	number int
	// state is what kind of sensor it has.
	state string
	work  string
	w     workload

	proxy, sensor, load *process
	leave               func()

	// before is what its sensor said when it was warm.
	before sensorState
	// spent are all of its turns so far.
	spent spent
}

func (l *lane) engine() engine {
	return engine{name: nameFleetgate, number: l.number, fronts: allFronts}
}

func (l *lane) target() target {
	return target{work: l.work, front: plain, engine: nameFleetgate, port: plain.port(l.number)}
}

func (l *lane) file(name string) string { return filepath.Join(l.work, name) }

// The lane's own ports beside those of its proxy's listeners.
func (l *lane) healthPort() int { return 19200 + l.number }
func (l *lane) adminPort() int  { return 19300 + l.number }
func (l *lane) sensorPort() int { return 19400 + l.number }

// prepare fills the lane's folder. Each has a copy of the proxy: a probe sits on a
// file, and all that run the file call it.
func (l *lane) prepare(proxy []byte) error {
	if err := os.MkdirAll(l.work, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(l.file(proxyFile), proxy, 0o755); err != nil {
		return err
	}
	return writeCertificate(l.work)
}

// start starts the lane's proxy, its sensor and its load, which is stopped when
// start returns. What runs then is the caller's to stop, with an error too.
func (l *lane) start(ctx context.Context, sensor string) (err error) {
	if err := l.startProxy(ctx); err != nil {
		return err
	}
	if l.state != alone {
		if l.sensor, err = l.startSensor(ctx, sensor); err != nil {
			return err
		}
	}
	if err := l.startLoad(ctx); err != nil || l.sensor == nil {
		return err
	}
	l.before, _, err = scrapeSensor(ctx, l.sensor, l.sensorPort())
	return err
}

func (l *lane) startProxy(ctx context.Context) error {
	command, err := fleetgate(siteOf(l.work, l.engine()))
	if err != nil {
		return err
	}
	command = append(command, "--probe-socket", l.file(socketFile),
		"--health-address", address(l.healthPort()), "--admin-address", address(l.adminPort()))
	if l.proxy, err = start(ctx, proxyCPU, plain.port(l.number), l.file("proxy.log"), command...); err != nil {
		return err
	}
	if l.leave, err = ownCgroup(l.proxy.pid()); err != nil {
		return err
	}
	return l.w.probe(ctx, l.target())
}

// startSensor returns when the sensor counts what the proxy does.
func (l *lane) startSensor(ctx context.Context, binary string) (*process, error) {
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

// startLoad loads the proxy until it is warm.
func (l *lane) startLoad(ctx context.Context) (err error) {
	if l.load, err = start(ctx, loadCPU, 0, l.file("load.log"), "wrk", "-t1", "-c"+strconv.Itoa(l.w.connections),
		"-d"+strconv.Itoa(int(loadTime.Seconds()))+"s", "-H", "Host: "+host, l.target().url(l.w.path)); err != nil {
		return err
	}
	if err := wait(ctx, warmTime); err != nil {
		return err
	}
	return l.pause(ctx)
}

// pause stops the load, and returns when what was under way is done.
func (l *lane) pause(ctx context.Context) error {
	if err := syscall.Kill(l.load.pid(), syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stopping the load: %w", err)
	}
	return wait(ctx, drainTime)
}

func (l *lane) resume() error {
	if err := syscall.Kill(l.load.pid(), syscall.SIGCONT); err != nil {
		return fmt.Errorf("going on with the load: %w", err)
	}
	return nil
}

// stop ends all that runs.
func (l *lane) stop() {
	if l.load != nil {
		// What is stopped takes no other signal. One that has ended needs none.
		_ = l.resume()
		l.load.stop()
	}
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
