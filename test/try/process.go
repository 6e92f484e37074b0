package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
)

// process is a program that try has started.
type process struct {
	cmd   *exec.Cmd
	ended chan error
}

// command returns the command for one of our programs. It is in a process group
// of its own, so that a Ctrl-C reaches try alone, which stops everything in
// order, and it ends with try, even if that is killed.
func command(bin, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, name), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	return cmd
}

// start starts the command; that it could not is how it ended.
func start(cmd *exec.Cmd) *process {
	p := &process{cmd: cmd, ended: make(chan error, 1)}
	if err := cmd.Start(); err != nil {
		p.ended <- err
		return p
	}
	go func() { p.ended <- cmd.Wait() }()
	return p
}

// until waits until ctx ends, and stops the process then. That it ended before
// is an error.
func (p *process) until(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return p.stop()
	case err := <-p.ended:
		p.ended <- err
		if err == nil {
			err = errors.New("ended by itself")
		}
		return fmt.Errorf("%s: %w", filepath.Base(p.cmd.Path), err)
	}
}

// stop asks the process to end, waits, and returns how it did. It may be called
// again.
func (p *process) stop() error {
	if p.cmd.Process != nil {
		// One that has ended already takes no signal, and needs none.
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	err := <-p.ended
	p.ended <- err
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(p.cmd.Path), err)
	}
	return nil
}
