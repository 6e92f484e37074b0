package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Folders returns where the cgroups called name lie, one in each hierarchy.
// They need not exist.
//
// They are below the calling process's own, so that limits which it has hold
// for the cluster as well. Where v2 is all there is, they are at the root:
// elsewhere a cgroup with processes in it, as a login session is, can pass no
// controllers on.
func Folders(name string) ([]string, error) {
	all, err := Own()
	if err != nil {
		return nil, err
	}
	table, err := mountPoints()
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, h := range all {
		if !hybrid(all) {
			h.Path = "/"
		}
		folder, err := h.mounted(table)
		if err != nil {
			// An unmounted v2 hierarchy beside v1 is common and no loss.
			if h.Unified() && hybrid(all) {
				continue
			}
			return nil, err
		}
		folders = append(folders, filepath.Join(folder, name))
	}
	return folders, nil
}

// Enter makes the cgroups and moves the calling process into each.
func Enter(folders []string) error {
	for _, folder := range folders {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("making a cgroup: %w", err)
		}
		if err := prepareCPUSet(folder); err != nil {
			return err
		}
		if err := delegateTo(folder); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "cgroup.procs"), []byte("0"), 0); err != nil {
			return fmt.Errorf("entering cgroup %s: %w", folder, err)
		}
	}
	return nil
}

// prepareCPUSet copies the parent's CPUs and memory nodes: a new cgroup of a
// v1 cpuset has none and takes no process.
func prepareCPUSet(folder string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		if _, err := os.Stat(filepath.Join(folder, "tasks")); err != nil {
			return nil // v2 inherits
		}
		inherited, err := os.ReadFile(filepath.Join(filepath.Dir(folder), name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the parent's %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), inherited, 0); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return nil
}

// delegateTo lets a v2 cgroup's parent pass its controllers on. That fails
// where the parent is not the machine's real root and holds processes; then
// the cluster has the controllers that it has, and the kubelet says which one
// it misses.
func delegateTo(folder string) error {
	parent := filepath.Dir(folder)
	controllers, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the controllers of %s: %w", parent, err)
	}
	for c := range strings.FieldsSeq(string(controllers)) {
		err := os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+"+c), 0)
		if err != nil && !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.ENOTSUP) {
			return fmt.Errorf("delegating controller %s: %w", c, err)
		}
	}
	return nil
}

// Remove removes the cgroups and all below them. Their processes were killed;
// as it takes the kernel a moment to let go of them, it tries until the
// deadline.
func Remove(folders []string, deadline time.Time) error {
	for {
		err := removeOnce(folders)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func removeOnce(folders []string) error {
	var failures []error
	for _, folder := range folders {
		failures = append(failures, removeTree(folder))
	}
	return errors.Join(failures...)
}

// removeTree removes cgroups leaf first. The files in them are not real: only
// the folders are removed.
func removeTree(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a cgroup: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(folder, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := unix.Rmdir(folder); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("removing cgroup %s: %w", folder, err)
	}
	return nil
}
