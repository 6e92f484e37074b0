package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
)

const (
	// warmTime is for how long a lane is loaded before its first turn: a proxy that has
	// just met a sensor tells it of its routes, and collects the garbage of that.
	warmTime = time.Second
	// restStep is for how long a proxy has to spend next to nothing, no more than one of
	// restShare parts of that time, to be at rest. One that is not within restLimit
	// never is.
	restStep  = 5 * time.Millisecond
	restShare = 20
	restLimit = 10 * time.Second
)

// lane is a proxy with a load of its own. Lanes run side by side and take turns: all
// loads but one are stopped at any time.
type lane struct {
	target target
	w      workload
	behind backend

	proxy, load *process
	// pids are the proxy's, with those that it has forked.
	pids []int
	// seconds is for how long the load lives.
	seconds int
	// broken is why it takes turns no more.
	broken error
	// spent are all of its turns so far.
	spent spent
}

// startLoad starts what loads the proxy for some seconds, and stops it when the
// proxy is warm. The load writes to the file.
func (l *lane) startLoad(ctx context.Context, file string, seconds int, warm time.Duration) (err error) {
	l.seconds = seconds
	if l.pids, err = family(l.proxy.pid()); err != nil {
		return err
	}
	if l.load, err = start(ctx, loadCPU, 0, file, l.w.load.command(l.target, seconds, l.w)...); err != nil {
		return err
	}
	if err := wait(ctx, warm); err != nil {
		return err
	}
	return l.pause(ctx)
}

// pause stops the load, and returns when what was under way is done.
func (l *lane) pause(ctx context.Context) error {
	if err := l.load.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		said, _ := os.ReadFile(l.load.log)
		return fmt.Errorf("stopping the load: %w\n%s", err, said)
	}
	return l.rest(ctx)
}

// rest returns when neither the proxy nor what it forwards to has anything to do.
// That they spend no time is not enough: they may have to wait for their CPU.
func (l *lane) rest(ctx context.Context) error {
	before, err := cpuTime(l.pids...)
	if err != nil {
		return err
	}
	for limit := time.Now().Add(restLimit); time.Now().Before(limit); {
		if err := wait(ctx, restStep); err != nil {
			return err
		}
		after, err := cpuTime(l.pids...)
		if err != nil {
			return err
		}
		busy, err := runnable(slices.Concat(l.pids, []int{l.behind.pid()})...)
		if err != nil || !busy && after-before <= restStep/restShare {
			return err
		}
		before = after
	}
	return errors.New("the proxy goes on when its load has stopped")
}

func (l *lane) resume() error {
	if err := l.load.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("going on with the load: %w", err)
	}
	return nil
}

// finish lets the load go on to its end, and returns what it says then.
func (l *lane) finish(ctx context.Context) (loaded, error) {
	if err := l.resume(); err != nil {
		return loaded{}, err
	}
	select {
	case <-ctx.Done():
		return loaded{}, ctx.Err()
	case <-l.load.ended:
	case <-time.After(startTimeout):
		return loaded{}, errors.New("the load has not ended in time")
	}
	said, err := os.ReadFile(l.load.log)
	if err != nil {
		return loaded{}, err
	}
	return l.w.load.parse(string(said), l.seconds)
}

// stopLoad ends the load, if there is one.
func (l *lane) stopLoad() {
	if l.load == nil {
		return
	}
	// What is stopped takes no other signal. One that has ended needs none.
	_ = l.resume()
	l.load.stop()
}
