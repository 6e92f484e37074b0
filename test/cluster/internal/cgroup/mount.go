package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const base = "/sys/fs/cgroup"

// MountAll mounts the hierarchies at /sys/fs/cgroup, where nothing may be
// mounted yet. In a cgroup namespace each mount shows the namespace's part.
//
// On a hybrid machine the unified hierarchy is at /sys/fs/cgroup/unified.
func MountAll(all []Hierarchy) error {
	if !hybrid(all) {
		if err := mount(base, "cgroup2", ""); err != nil {
			return err
		}
		return delegate()
	}
	if err := unix.Mount("cgroup", base, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755"); err != nil {
		return fmt.Errorf("mounting %s: %w", base, err)
	}
	for _, h := range all {
		if err := h.mount(); err != nil {
			return err
		}
	}
	return nil
}

func (h Hierarchy) mount() error {
	folder := filepath.Join(base, h.folderName())
	if err := os.Mkdir(folder, 0o755); err != nil {
		return fmt.Errorf("making a mount point: %w", err)
	}
	if h.Unified() {
		return mount(folder, "cgroup2", "")
	}
	options := h.Controllers
	if strings.HasPrefix(options, "name=") {
		options = "none," + options
	}
	if err := mount(folder, "cgroup", options); err != nil {
		return err
	}
	return linkControllers(h)
}

// linkControllers makes each controller of a joint hierarchy ("cpu,cpuacct")
// reachable by its own name, which is how programs look for it.
func linkControllers(h Hierarchy) error {
	names := strings.Split(h.folderName(), ",")
	if len(names) == 1 {
		return nil
	}
	for _, n := range names {
		if err := os.Symlink(h.folderName(), filepath.Join(base, n)); err != nil {
			return fmt.Errorf("linking a controller: %w", err)
		}
	}
	return nil
}

func mount(folder, kind, options string) error {
	if err := unix.Mount("cgroup", folder, kind, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, options); err != nil {
		return fmt.Errorf("mounting %s: %w", folder, err)
	}
	return nil
}

// delegate passes all controllers on to the cgroups below the namespace's
// root. In v2 a cgroup that does so must not hold processes, so the calling
// process moves into a cgroup of its own first.
func delegate() error {
	leaf := filepath.Join(base, "init")
	if err := os.Mkdir(leaf, 0o755); err != nil {
		return fmt.Errorf("making the init cgroup: %w", err)
	}
	if err := os.WriteFile(filepath.Join(leaf, "cgroup.procs"), []byte("0"), 0); err != nil {
		return fmt.Errorf("entering the init cgroup: %w", err)
	}
	controllers, err := os.ReadFile(filepath.Join(base, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("reading the controllers: %w", err)
	}
	for c := range strings.FieldsSeq(string(controllers)) {
		if err := os.WriteFile(filepath.Join(base, "cgroup.subtree_control"), []byte("+"+c), 0); err != nil {
			return fmt.Errorf("delegating controller %s: %w", c, err)
		}
	}
	return nil
}
