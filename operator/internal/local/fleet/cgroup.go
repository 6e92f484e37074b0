package fleet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// cgroupPrefix is the beginning of a run's directory in the cgroup hierarchy;
// the process that made it follows.
const cgroupPrefix = "fleetgate-local-"

// Cgroups makes a cgroup for each proxy, so that a sensor can watch its
// connections and nobody else's.
type Cgroups struct {
	// Root is where the host's cgroup v2 hierarchy is mounted.
	Root string
	run  string
}

// NewCgroups makes a directory for this process in the cgroup v2 hierarchy
// that mounts, the content of /proc/self/mounts, names. It removes what runs
// that were killed have left.
func NewCgroups(mounts string) (*Cgroups, error) {
	root, err := cgroupRoot(mounts)
	if err != nil {
		return nil, err
	}
	sweep(root)
	run := filepath.Join(root, cgroupPrefix+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(run, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return &Cgroups{Root: root, run: run}, nil
}

// cgroupRoot finds the first mount of type cgroup2; on a host in hybrid mode
// that is below the others.
func cgroupRoot(mounts string) (string, error) {
	for line := range strings.Lines(mounts) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1], nil
		}
	}
	return "", errors.New("no cgroup v2 hierarchy is mounted")
}

// sweep removes the empty cgroups of processes that are gone. A cgroup that is
// in use cannot be removed, so a mistake here does no harm.
func sweep(root string) {
	runs, err := filepath.Glob(filepath.Join(root, cgroupPrefix+"*"))
	if err != nil {
		return
	}
	for _, run := range runs {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(run), cgroupPrefix))
		if err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		// What cannot be removed now is in use and stays for the next run.
		_ = removeRun(run)
	}
}

// Make creates the cgroup of one proxy and returns its directory.
func (c *Cgroups) Make(name string) (string, error) {
	dir := filepath.Join(c.run, name)
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("making a cgroup: %w", err)
	}
	return dir, nil
}

// Close removes all cgroups. The processes in them must be gone.
func (c *Cgroups) Close() error { return removeRun(c.run) }

// removeRun removes a directory of cgroups. Files in it belong to the kernel
// and go with their directories.
func removeRun(run string) error {
	entries, err := os.ReadDir(run)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, os.Remove(filepath.Join(run, e.Name())))
		}
	}
	return errors.Join(append(errs, os.Remove(run))...)
}
