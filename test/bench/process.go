package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// The CPUs of the load generator with the backend, and of the proxy under test.
const (
	loadCPU  = "0"
	proxyCPU = "1"
)

const (
	startTimeout = 15 * time.Second
	stopTimeout  = 3 * time.Second
)

// process is a program that runs until it is stopped.
type process struct {
	cmd *exec.Cmd
	log string
	// ended is closed when the process has ended.
	ended chan struct{}
}

// start starts a command on one CPU and returns when it listens on the port
// (none: at once). Its output goes to a file, which is quoted when it does not
// come up. The process has a group of its own, so that Ctrl-C reaches this
// program alone.
func start(ctx context.Context, cpu string, port int, log string, command ...string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{cmd: exec.Command("taskset", append([]string{"-c", cpu}, command...)...), log: log, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		// How it ended matters only to whoever still needs it, who finds its port
		// closed.
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	if err := p.ready(ctx, port); err != nil {
		p.stop()
		said, _ := os.ReadFile(log)
		return nil, fmt.Errorf("starting %s: %w\n%s", command[0], err, said)
	}
	return p, nil
}

// pid is that of the program itself: taskset becomes it.
func (p *process) pid() int { return p.cmd.Process.Pid }

// ready waits until something accepts connections on the port.
func (p *process) ready(ctx context.Context, port int) error {
	if port == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		connection, err := net.Dial("tcp", address(port))
		if err == nil {
			return connection.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-p.ended:
			return errors.New("it ended")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the process and waits for it.
func (p *process) stop() {
	// A process that has ended takes no signal, and needs none.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
