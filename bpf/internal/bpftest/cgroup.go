package bpftest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// CgroupMount returns where the cgroup v2 hierarchy is mounted.
func CgroupMount() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", fmt.Errorf("reading mounts: %w", err)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1], nil
		}
	}
	return "", errors.New("no cgroup v2 hierarchy is mounted")
}

// NewCgroup makes a cgroup for the length of the test.
func NewCgroup(t testing.TB) (string, error) {
	t.Helper()
	mount, err := CgroupMount()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(mount, "fleetgate-test-")
	if err != nil {
		return "", fmt.Errorf("making a cgroup: %w", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Errorf("removing the test's cgroup: %v", err)
		}
	})
	return dir, nil
}
