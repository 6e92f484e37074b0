package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// enterGrace is how long the program in the namespaces may take to end by
// itself once it was told to.
const enterGrace = 10 * time.Second

// enter runs this program again as the first process of new namespaces, on the
// load generator's CPU. The kernel ends every process in them when that one
// ends, and that one when this one ends.
func enter(ctx context.Context, work string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// The kernel watches over the thread that forks, not over the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	args := append([]string{"-c", loadCPU, self, "-work", work}, os.Args[1:]...)
	cmd := exec.Command("taskset", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("entering namespaces (this needs root): %w", err)
	}
	defer context.AfterFunc(ctx, func() {
		// Signals may have reached it already, from the terminal; a process that
		// has ended takes none.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		time.AfterFunc(enterGrace, func() { _ = cmd.Process.Kill() })
	})()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("in the namespaces: %w", err)
	}
	return nil
}

// furnish makes the new namespaces usable: a /proc of their own processes, the
// routed host among the known ones, a loopback device that is up, and TCP as the
// measurements want it. It returns the congestion control that is in effect.
func furnish(work string) (string, error) {
	if err := mounts(work); err != nil {
		return "", err
	}
	if err := loopbackUp(); err != nil {
		return "", fmt.Errorf("setting lo up: %w", err)
	}
	// BBR's pacing distorts what is measured over loopback. The other settings
	// let many connections come and go; that one is missing is no error.
	for name, value := range map[string]string{
		"net/ipv4/tcp_congestion_control": "reno",
		"net/ipv4/ip_local_port_range":    "20000 64999",
		"net/ipv4/tcp_tw_reuse":           "1",
		"net/core/somaxconn":              "4096",
	} {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		}
	}
	congestion, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
	return strings.TrimSpace(string(congestion)), errors.Join(err, raiseFileLimit())
}

// mounts shows the namespaces what is theirs alone: their processes, and a file
// that says where the routed host is.
func mounts(work string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	hosts := filepath.Join(work, "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost "+host+"\n"), 0o644); err != nil {
		return err
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting /etc/hosts: %w", err)
	}
	return mountTracing(filepath.Join(work, tracing))
}

// mountTracing mounts tracefs, which names the kernel's events. Without it
// system calls are not counted, which is said where they would be.
func mountTracing(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("tracefs", dir, "tracefs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		fmt.Fprintf(os.Stderr, "bench: mounting tracefs: %v\n", err)
	}
	return nil
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// raiseFileLimit lets this process and those it starts open as many files as
// they may. Go raises the limit for itself alone.
func raiseFileLimit() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	value := syscall.Rlimit{Cur: limit.Max, Max: limit.Max}
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &value)
}
