// Package supervise keeps a worker process running: the sensor's container
// stays up, and its pod ready, whatever happens to the process that talks to
// the kernel. The worker is the same executable with a mark in its environment.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/go-logr/logr"
)

// mark is the environment variable that makes a process the worker.
const mark = "FLEETGATE_SENSOR_WORKER"

// patience is how long a worker may take to stop.
const patience = 10 * time.Second

// Options are what Run needs.
type Options struct {
	// Path and Args of the worker.
	Path string
	Args []string
	// Output takes what the worker writes.
	Output io.Writer
	// FirstPause is that before the first restart; it doubles with each up
	// to LastPause, and starts anew when a worker has run for Steady.
	FirstPause, LastPause, Steady time.Duration
	Log                           logr.Logger
}

// IsWorker says whether this process is the worker.
func IsWorker() bool { return os.Getenv(mark) != "" }

// Run keeps a worker running until ctx is done, then stops it. The error is
// that of a worker that could not be started at all.
func Run(ctx context.Context, o Options) error {
	pause := o.FirstPause
	for {
		started := time.Now()
		err := work(ctx, o)
		if ctx.Err() != nil {
			return nil
		}
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return fmt.Errorf("running the worker: %w", err)
		}
		if time.Since(started) >= o.Steady {
			pause = o.FirstPause
		}
		o.Log.Error(err, "Restarting the worker", "pause", pause.String())
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		pause = min(2*pause, o.LastPause)
	}
}

// work runs one worker to its end.
func work(ctx context.Context, o Options) error {
	// Whatever ends this process closes the pipe, by which the worker knows.
	lifeline, hold, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making the lifeline: %w", err)
	}
	defer hold.Close()
	defer lifeline.Close()

	cmd := exec.CommandContext(ctx, o.Path, o.Args...)
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = lifeline, o.Output, o.Output
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	return cmd.Run()
}

// Lifeline returns a context that is done when ctx is, or when the supervisor
// is gone. Only the worker may call it, and once: it reads the standard input
// to its end.
func Lifeline(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		io.Copy(io.Discard, os.Stdin)
	}()
	return ctx
}
