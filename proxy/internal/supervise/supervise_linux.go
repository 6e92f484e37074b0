package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/proxy/internal/custody"
)

// mark is the environment variable that makes a process the worker. Its value is how
// many workers there were before it.
const mark = "FLEETGATE_PROXY_WORKER"

// inherited is the descriptor by which a worker reaches its supervisor: the first of
// exec.Cmd.ExtraFiles.
const inherited = 3

// Run keeps a worker running until ctx is done, and then has it stop by SIGTERM. It
// returns the last worker's exit code. The error is that of a worker that could not be
// started at all.
func Run(ctx context.Context, o Options) (code int, err error) {
	// A worker is killed when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	holder := custody.NewHolder()
	defer holder.Close()
	crashes, pause := 0, o.FirstPause
	for workers := 0; ; workers++ {
		started := time.Now()
		state, err := work(ctx, o, holder, workers)
		switch {
		case err != nil && ctx.Err() != nil:
			return 0, nil
		case err != nil:
			return 0, err
		}
		if time.Since(started) >= o.Steady {
			crashes, pause = 0, o.FirstPause
		}
		if crashes++; ctx.Err() != nil || !crashed(state) || crashes > o.Most {
			return exitCode(state), nil
		}
		o.Log.Info("Restarting the worker", "ended", state.String(), "crashes", crashes)
		if crashes > 1 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return exitCode(state), nil
			}
			pause = min(2*pause, o.LastPause)
		}
	}
}

// work runs one worker to its end.
func work(ctx context.Context, o Options, holder *custody.Holder, before int) (*os.ProcessState, error) {
	file, err := holder.Attend()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, o.Path)
	cmd.Args = o.Args
	cmd.Env = append(os.Environ(), mark+"="+strconv.Itoa(before))
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = o.Out, o.Err, []*os.File{file}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	file.Close()
	if err != nil {
		return nil, fmt.Errorf("starting the worker: %w", err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return nil, fmt.Errorf("waiting for the worker: %w", err)
	}
	return cmd.ProcessState, nil
}

// panicked is how Go ends a process that panics.
const panicked = 2

// crashed says whether a worker has not ended by itself.
func crashed(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() || state.ExitCode() == panicked
}

// exitCode is the worker's, or what shells make of a signal.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// Worker returns how many workers there were before this one, and false for a process
// that is none.
func Worker() (before int, ok bool) {
	before, err := strconv.Atoi(os.Getenv(mark))
	return before, err == nil
}

// Sockets are what the supervisor holds for this worker. Only a worker may call it, and
// once.
func Sockets(log logr.Logger) (custody.Sockets, error) {
	return custody.NewClient(os.NewFile(inherited, "supervisor"), log)
}
