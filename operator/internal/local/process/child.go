package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Spec says what to run.
type Spec struct {
	Path string
	Args []string
	// Log is the file that the child's output is appended to.
	Log string
	// Cgroup is a directory of a cgroup v2 hierarchy that the child is started
	// in; empty for the parent's.
	Cgroup string
	// StopTimeout is how long a child may take to end by itself once it was
	// asked to.
	StopTimeout time.Duration
	// Backoff gives the pause before the n-th start in a row that failed, from
	// one; nil means 250 ms, doubled up to 8 s.
	Backoff func(n int) time.Duration
	// Changed is called after each change of the State, if it is not nil. It
	// must not block.
	Changed func()
}

// steady is how long a child must have run for its end not to count as one
// more failure in a row.
const steady = 10 * time.Second

// State is how a child is doing.
type State struct {
	// PID is zero while the child does not run.
	PID int
	// Starts counts how often it was started.
	Starts int
	// Problem says why it is not running, or why it last ended.
	Problem string
}

// Child is a process that is kept running. It is safe for concurrent use.
type Child struct {
	spec     Spec
	launcher *Launcher
	cancel   context.CancelFunc
	ended    sync.WaitGroup

	mu    sync.Mutex
	state State
}

// Keep starts the child and starts it again whenever it ends, until Stop.
func (l *Launcher) Keep(spec Spec) *Child {
	if spec.Backoff == nil {
		spec.Backoff = backoff
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Child{spec: spec, launcher: l, cancel: cancel}
	c.ended.Go(func() { c.run(ctx) })
	return c
}

func backoff(n int) time.Duration {
	return min(250*time.Millisecond<<min(n-1, 10), 8*time.Second)
}

// State returns the child's state.
func (c *Child) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Stop asks the child to end, waits for it, and kills it past its StopTimeout.
// When it returns the child is gone. It may be called more than once.
func (c *Child) Stop() {
	c.cancel()
	c.ended.Wait()
}

func (c *Child) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		began := time.Now()
		problem := c.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= steady {
			failures = 0
		}
		failures++
		c.set(func(s *State) { s.PID, s.Problem = 0, problem })
		select {
		case <-ctx.Done():
		case <-time.After(c.spec.Backoff(failures)):
		}
	}
}

// once runs the child until it ends or ctx does, and says how it ended.
func (c *Child) once(ctx context.Context) (problem string) {
	cmd, closeFiles, err := c.spec.command()
	if err != nil {
		return err.Error()
	}
	err = c.launcher.start(cmd)
	closeFiles()
	if err != nil {
		return err.Error()
	}
	c.set(func(s *State) { s.PID, s.Starts = cmd.Process.Pid, s.Starts+1 })
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = c.stop(cmd, ended)
	}
	return c.spec.obituary(err)
}

// stop ends a running child and returns how it did.
func (c *Child) stop(cmd *exec.Cmd, ended <-chan error) error {
	// A child that has just ended by itself takes no signal, and needs none.
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		return err
	case <-time.After(c.spec.StopTimeout):
		_ = cmd.Process.Kill()
		return <-ended
	}
}

func (c *Child) set(change func(*State)) {
	c.mu.Lock()
	change(&c.state)
	c.mu.Unlock()
	if c.spec.Changed != nil {
		c.spec.Changed()
	}
}

// command makes the command; closeFiles is to be called after its start.
func (s *Spec) command() (cmd *exec.Cmd, closeFiles func(), err error) {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	var cgroup *os.File
	if s.Cgroup != "" {
		if cgroup, err = os.Open(s.Cgroup); err != nil {
			log.Close()
			return nil, nil, err
		}
	}
	cmd = exec.Command(s.Path, s.Args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes(cgroup)
	return cmd, func() {
		log.Close()
		if cgroup != nil {
			cgroup.Close()
		}
	}, nil
}

// obituary says how the child ended, with the last line that it wrote.
func (s *Spec) obituary(err error) string {
	problem := "ended with exit status 0"
	if err != nil {
		problem = "ended with " + err.Error()
	}
	if line := lastLine(s.Log); line != "" {
		problem += fmt.Sprintf(", last words: %s", line)
	}
	return problem
}
