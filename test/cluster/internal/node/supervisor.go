package node

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

const (
	searchPath = layout.InBin + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

	// defaultRestartAfter keeps a component that cannot start from using up
	// the machine.
	defaultRestartAfter = time.Second

	// defaultStopWithin is how long a component has to end by itself.
	defaultStopWithin = 5 * time.Second
)

// component is a program that runs as long as the cluster does.
type component struct {
	name string
	args []string
}

// supervisor keeps components running. Each has a goroutine of its own, for
// which stop waits.
type supervisor struct {
	children *reaper
	log      *slog.Logger
	// bin holds the programs, logs takes a file for each component.
	bin, logs    string
	restartAfter time.Duration
	stopWithin   time.Duration

	wait    sync.WaitGroup
	running []*keeper // in the order of their start
}

func newSupervisor(children *reaper) *supervisor {
	return &supervisor{
		children: children, log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		bin: layout.InBin, logs: layout.InLogs,
		restartAfter: defaultRestartAfter, stopWithin: defaultStopWithin,
	}
}

// keeper is one running component.
type keeper struct {
	component
	stop    context.CancelFunc
	stopped chan struct{}
}

// start runs the component until stop, and again whenever it ends before.
func (s *supervisor) start(c component) {
	ctx, cancel := context.WithCancel(context.Background())
	k := &keeper{component: c, stop: cancel, stopped: make(chan struct{})}
	s.running = append(s.running, k)
	s.wait.Go(func() {
		defer close(k.stopped)
		s.keep(ctx, c)
	})
}

// stop ends all components, the last started first, and waits for them.
func (s *supervisor) stop() {
	for i := len(s.running) - 1; i >= 0; i-- {
		s.running[i].stop()
		<-s.running[i].stopped
	}
	s.wait.Wait()
}

func (s *supervisor) keep(ctx context.Context, c component) {
	for {
		if err := s.runOnce(ctx, c); err != nil && ctx.Err() == nil {
			s.log.Error("Component ended", "component", c.name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.restartAfter):
		}
	}
}

// runOnce runs the program until it ends or ctx does; then it is told to end,
// and killed if it does not.
func (s *supervisor) runOnce(ctx context.Context, c component) error {
	log, err := s.openLog(c.name)
	if err != nil {
		return err
	}
	defer log.Close()
	process, err := s.children.start(filepath.Join(s.bin, c.args[0]), c.args, log)
	if err != nil {
		return err
	}
	select {
	case status := <-process.ended:
		return exitError(status)
	case <-ctx.Done():
	}
	s.children.signal(process, unix.SIGTERM)
	select {
	case status := <-process.ended:
		return exitError(status)
	case <-time.After(s.stopWithin):
	}
	s.children.signal(process, unix.SIGKILL)
	return exitError(<-process.ended)
}

// runToEnd runs a program that ends by itself.
func (s *supervisor) runToEnd(ctx context.Context, name string, args ...string) error {
	log, err := s.openLog(name)
	if err != nil {
		return err
	}
	defer log.Close()
	process, err := s.children.start(filepath.Join(s.bin, args[0]), args, log)
	if err != nil {
		return err
	}
	select {
	case status := <-process.ended:
		return exitError(status)
	case <-ctx.Done():
		s.children.signal(process, unix.SIGKILL)
		<-process.ended
		return ctx.Err()
	}
}

func (s *supervisor) openLog(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(s.logs, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

func exitError(status unix.WaitStatus) error {
	switch {
	case status.Signaled():
		return fmt.Errorf("ended by signal %v", status.Signal())
	case status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", status.ExitStatus())
	}
	return nil
}
