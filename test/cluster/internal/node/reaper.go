package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// reaper starts processes and collects all that end: those that it started,
// and the orphans that the kernel hands to the first process of a PID
// namespace. Nothing else in this process may wait for children (os/exec
// does), as only one can collect each.
type reaper struct {
	mu      sync.Mutex
	waiting map[int]chan unix.WaitStatus
}

func newReaper() *reaper {
	return &reaper{waiting: map[int]chan unix.WaitStatus{}}
}

// child is a process that the reaper started.
type child struct {
	pid int
	// ended receives the status once.
	ended <-chan unix.WaitStatus
}

// start runs a program with its output going to the log file.
func (r *reaper) start(path string, args []string, log *os.File) (child, error) {
	// Locked across the fork: a child that ends at once must be known by
	// then.
	r.mu.Lock()
	defer r.mu.Unlock()
	process, err := os.StartProcess(path, args, &os.ProcAttr{
		Dir:   "/",
		Env:   environment(),
		Files: []*os.File{nil, log, log},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return child{}, fmt.Errorf("starting %s: %w", path, err)
	}
	ended := make(chan unix.WaitStatus, 1)
	r.waiting[process.Pid] = ended
	pid := process.Pid
	// Only gives up Go's own handle; the process runs on.
	if err := process.Release(); err != nil {
		return child{}, fmt.Errorf("releasing %s: %w", path, err)
	}
	return child{pid: pid, ended: ended}, nil
}

// environment is what every component gets, and nothing of what the user's
// shell had: a proxy variable, say, would lead its requests astray.
func environment() []string {
	return []string{
		"PATH=" + searchPath,
		"HOME=/run",
		"KUBECACHEDIR=" + layout.InKubectlCache,
		"LANG=C.UTF-8",
		// A fleet of a thousand has a large heap in the API server, and a third of its time
		// went to collecting that over and over. Processors are scarcer than memory here.
		"GOGC=300",
	}
}

// run collects until ctx ends.
func (r *reaper) run(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCHLD)
	defer signal.Stop(signals)
	for {
		// Before the first signal too: children may have ended by now.
		r.collect()
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
	}
}

// collect takes all that have ended. One signal may stand for several.
func (r *reaper) collect() {
	// Locked, so that no process ID is freed while signal looks at it.
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if ended, ours := r.waiting[pid]; ours {
			delete(r.waiting, pid)
			ended <- status
		}
	}
}

// signal sends a signal to a child unless it has ended; its process ID might
// be another's by then.
func (r *reaper) signal(c child, s unix.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, alive := r.waiting[c.pid]; alive {
		// The child may have ended without having been collected; there is
		// nothing to do about it then.
		_ = unix.Kill(c.pid, s)
	}
}
