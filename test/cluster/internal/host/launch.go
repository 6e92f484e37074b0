package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/test/cluster/internal/cgroup"
	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
	"github.com/fleetgate/fleetgate/test/cluster/internal/node"
)

// The program starts itself twice on the way into the cluster, under these
// names, as a running Go process cannot enter all kinds of namespaces with all
// its threads:
//
//	up        stays where it is, reads the timeline
//	launcher  enters the cgroups and the network, starts init in new mount,
//	          PID, UTS, IPC and cgroup namespaces, records it and ends
//	init      is package node
const (
	launcherName = "fleetgate-cluster-launch"
	initName     = "fleetgate-cluster-init"
)

// RunHidden runs what this program does under its other names, and reports
// whether it was called by one of them. Call it first thing in main.
func RunHidden() (bool, error) {
	if len(os.Args) != 2 {
		return false, nil
	}
	l := layout.Layout{Root: os.Args[1]}
	switch os.Args[0] {
	case launcherName:
		return true, launch(l)
	case initName:
		return true, runInit(l)
	}
	return false, nil
}

// startLauncher runs the launcher to its end. The cluster's init then lives
// and is recorded.
func startLauncher(l layout.Layout) error {
	log, err := os.Create(l.Logs() + "/init.log")
	if err != nil {
		return fmt.Errorf("making the log of init: %w", err)
	}
	defer log.Close()
	command := exec.Command("/proc/self/exe")
	command.Args = []string{launcherName, l.Root}
	command.Dir = "/"
	command.Stdout, command.Stderr = log, log
	// A session of its own: an interrupt at the terminal ends only `up`.
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Run(); err != nil {
		return fmt.Errorf("starting the cluster's init: %w%s", err, tail(log.Name()))
	}
	return nil
}

func launch(l layout.Layout) error {
	folders, err := cgroup.Folders(layout.Name)
	if err != nil {
		return err
	}
	if err := cgroup.Enter(folders); err != nil {
		return err
	}
	// Locked for good: the process that is started below inherits this
	// thread's network namespace.
	runtime.LockOSThread()
	if err := joinNetwork(networkPath()); err != nil {
		return err
	}
	gate, release, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	command := exec.Command("/proc/self/exe")
	command.Args = []string{initName, l.Root}
	command.Dir = "/"
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.ExtraFiles = []*os.File{gate}
	command.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP,
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting init: %w", err)
	}
	init, err := readProcess(command.Process.Pid)
	if err != nil {
		return fmt.Errorf("looking at init: %w", err)
	}
	if err := (record{PID: command.Process.Pid, Started: init.started, Cgroups: folders}).write(l); err != nil {
		return err
	}
	if _, err := release.Write([]byte{1}); err != nil {
		return fmt.Errorf("releasing init: %w", err)
	}
	return nil
}

// runInit waits until the launcher has recorded this process: an init that
// nobody knows of would be a cluster that nobody can end.
func runInit(l layout.Layout) error {
	gate := os.NewFile(3, "gate")
	defer gate.Close()
	if _, err := io.ReadFull(gate, make([]byte, 1)); err != nil {
		return errors.New("the launcher ended before it recorded init")
	}
	return node.Run(l)
}

func joinNetwork(path string) error {
	namespace, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the network namespace: %w", err)
	}
	defer namespace.Close()
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering the network namespace: %w", err)
	}
	return nil
}
