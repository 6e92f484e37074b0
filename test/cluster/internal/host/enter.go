package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// allNamespaces are the namespaces that the cluster has of its own.
const allNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS |
	unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP | unix.CLONE_NEWNET

// Start starts the command in the cluster's namespaces, with the cluster's
// binaries on its path and KUBECONFIG set. The caller waits for it as usual.
// A bare name of a program is looked up inside.
func (h *Host) Start(command *exec.Cmd) error {
	init, err := h.initProcess()
	if err != nil {
		return err
	}
	defer init.Close()
	if command.Dir == "" {
		// Entering a mount namespace leads to its root.
		if command.Dir, err = os.Getwd(); err != nil {
			return fmt.Errorf("finding the working folder: %w", err)
		}
	}
	if command.Env == nil {
		command.Env = os.Environ()
	}
	search := layout.InBin + ":" + os.Getenv("PATH")
	command.Env = append(command.Env,
		"KUBECONFIG="+layout.AdminKubeconfig,
		"KUBECACHEDIR="+layout.InKubectlCache,
		"PATH="+search,
		"CONTAINERD_ADDRESS="+layout.ContainerdSocket,
		"CONTAINERD_NAMESPACE=k8s.io",
	)
	return onOwnThread(func() error { return startInside(init, command, search) })
}

// Run is Start and Wait.
func (h *Host) Run(command *exec.Cmd) error {
	if err := h.Start(command); err != nil {
		return err
	}
	return command.Wait()
}

// startInside moves the calling thread into the namespaces and forks there.
func startInside(init *os.File, command *exec.Cmd, search string) error {
	// A thread can change its mount namespace only if it does not share its
	// root and working folder with others.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leaving the shared filesystem context: %w", err)
	}
	if err := unix.Setns(int(init.Fd()), allNamespaces); err != nil {
		return fmt.Errorf("entering the cluster's namespaces: %w", err)
	}
	// What exec.Command found, or did not find, was outside.
	if name := command.Args[0]; !strings.Contains(name, "/") {
		path, err := lookUp(name, search)
		if err != nil {
			return err
		}
		command.Path, command.Err = path, nil
	}
	return command.Start()
}

func lookUp(name, search string) (string, error) {
	for _, folder := range filepath.SplitList(search) {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

// initProcess returns a descriptor of the cluster's init.
func (h *Host) initProcess() (*os.File, error) {
	r, err := readRecord(h.Layout)
	if err != nil {
		return nil, err
	}
	descriptor, err := unix.PidfdOpen(r.PID, 0)
	if err != nil {
		return nil, ErrDown
	}
	// Checked after the process is held: its ID cannot change hands now.
	if !r.alive() {
		unix.Close(descriptor)
		return nil, ErrDown
	}
	return os.NewFile(uintptr(descriptor), "init"), nil
}

// InNetwork runs f on a thread in the cluster's network namespace. A socket
// that f makes stays in that namespace; goroutines that f starts do not run in
// it.
func (h *Host) InNetwork(f func() error) error {
	return onOwnThread(func() error {
		if err := joinNetwork(networkPath()); err != nil {
			return err
		}
		return f()
	})
}
