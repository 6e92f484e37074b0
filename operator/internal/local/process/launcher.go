package process

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// ErrClosed is returned for a process that is to be started after Close.
var ErrClosed = errors.New("the launcher is closed")

// Launcher starts processes from one thread that lives until Close. It is safe
// for concurrent use.
type Launcher struct {
	starts chan start
	closed chan struct{}
	once   sync.Once
	ended  sync.WaitGroup
}

type start struct {
	cmd  *exec.Cmd
	done chan<- error
}

// NewLauncher starts the thread. The caller closes the Launcher, after it has
// stopped the children.
func NewLauncher() *Launcher {
	l := &Launcher{starts: make(chan start), closed: make(chan struct{})}
	l.ended.Go(l.run)
	return l
}

// Close ends the thread.
func (l *Launcher) Close() {
	l.once.Do(func() { close(l.closed) })
	l.ended.Wait()
}

func (l *Launcher) run() {
	// Without UnlockOSThread the thread ends with this goroutine, and no
	// earlier: a death of the thread is what the kernel watches for.
	runtime.LockOSThread()
	for {
		select {
		case s := <-l.starts:
			s.done <- s.cmd.Start()
		case <-l.closed:
			return
		}
	}
}

func (l *Launcher) start(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	select {
	case l.starts <- start{cmd, done}:
		return <-done
	case <-l.closed:
		return ErrClosed
	}
}

// attributes put a child into a process group and, if cgroup is not nil, into
// a cgroup of its own from its very first instruction.
func attributes(cgroup *os.File) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if cgroup != nil {
		attr.UseCgroupFD = true
		attr.CgroupFD = int(cgroup.Fd())
	}
	return attr
}
