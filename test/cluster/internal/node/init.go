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

// Run is the main function of the cluster's init. It returns once the cluster
// was told to stop, or could not be set up; then the process must exit.
func Run(l layout.Layout) error {
	if os.Getpid() != 1 {
		return errors.New("init runs only as the first process of a PID namespace")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// Mounts belong to a thread's filesystem context, which all threads of
	// this process share, so that it does not matter which one makes them.
	if err := setUpMounts(l); err != nil {
		return err
	}
	if err := setUpNetwork(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(layout.NodeName)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := raiseFileLimit(); err != nil {
		return err
	}
	return serve(ctx)
}

// serve runs the components until ctx ends.
func serve(ctx context.Context) error {
	line, err := newTimeline(layout.InLogs + "/timeline")
	if err != nil {
		return err
	}
	defer line.close()
	children := newReaper()
	background, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { children.run(background) })
	defer wait.Wait()
	defer cancel()
	s := newSupervisor(children)
	if err := boot(ctx, s, line); err != nil {
		s.stop()
		if ctx.Err() != nil {
			return nil
		}
		line.fail(err)
		return err
	}
	<-ctx.Done()
	s.stop()
	return nil
}

// raiseFileLimit gives the components as many open files as the kernel allows
// us; without CAP_SYS_RESOURCE that is the hard limit that we came with.
func raiseFileLimit() error {
	const wanted = 1 << 20
	err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: wanted, Max: wanted})
	if err == nil {
		return nil
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of open files: %w", err)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raising the limit of open files: %w", err)
	}
	return nil
}
