package fleet

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCgroupRoot(t *testing.T) {
	tests := []struct{ name, mounts, want string }{
		{"unified", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "/sys/fs/cgroup"},
		{"hybrid", "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n", "/sys/fs/cgroup/unified"},
		{"none", "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n", ""},
	}
	for _, tt := range tests {
		got, err := cgroupRoot(tt.mounts)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

// A plain directory stands for the hierarchy: it behaves alike as far as
// making and removing goes.
func TestCgroupsOfDeadRunsAreSwept(t *testing.T) {
	root := t.TempDir()
	// No process has this number: the kernel's limit is below it.
	dead := filepath.Join(root, cgroupPrefix+"999999999", "a_web")
	foreign := filepath.Join(root, "user.slice")
	for _, dir := range []string{dead, foreign} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c, err := NewCgroups("cgroup2 " + root + " cgroup2 rw 0 0\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(dead)); !os.IsNotExist(err) {
		t.Errorf("the dead run's cgroups: %v", err)
	}
	dir, err := c.Make("a_web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 1 || left[0].Name() != "user.slice" {
		t.Errorf("left: %v, %v", left, err)
	}
}
