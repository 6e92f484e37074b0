package cgroup

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	hybridOwn = "12:cpu,cpuacct:/a/b\n3:memory:/a/b\n1:name=systemd:/a\n0::/a/b\n"

	// A container's view: the memory hierarchy shows only the part below /a.
	hybridMounts = `29 28 0:24 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
30 29 0:25 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,xattr,name=systemd
31 29 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
32 29 0:27 /a /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
33 29 0:28 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw
`
)

func TestParseOwn(t *testing.T) {
	got, err := parseOwn(hybridOwn)
	if err != nil {
		t.Fatal(err)
	}
	want := []Hierarchy{{"cpu,cpuacct", "/a/b"}, {"memory", "/a/b"}, {"name=systemd", "/a"}, {"", "/a/b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !hybrid(got) {
		t.Error("a hybrid machine was not seen as one")
	}
	if _, err := parseOwn("nonsense\n"); err == nil {
		t.Error("nonsense was accepted")
	}
}

func TestMounted(t *testing.T) {
	table := parseMounts(hybridMounts)
	for _, test := range []struct {
		hierarchy Hierarchy
		want      string // empty: an error
	}{
		{Hierarchy{"cpu,cpuacct", "/a/b"}, "/sys/fs/cgroup/cpu,cpuacct/a/b"},
		{Hierarchy{"memory", "/a/b"}, "/sys/fs/cgroup/memory/b"},
		{Hierarchy{"memory", "/c"}, ""},
		{Hierarchy{"name=systemd", "/a"}, "/sys/fs/cgroup/systemd/a"},
		{Hierarchy{"", "/"}, "/sys/fs/cgroup/unified"},
		{Hierarchy{"pids", "/"}, ""},
	} {
		got, err := test.hierarchy.mounted(table)
		if (err != nil) != (test.want == "") || got != test.want {
			t.Errorf("%+v: got %q, %v, want %q", test.hierarchy, got, err, test.want)
		}
	}
}

func TestFolderName(t *testing.T) {
	for _, test := range []struct {
		hierarchy Hierarchy
		want      string
	}{
		{Hierarchy{Controllers: "cpu,cpuacct"}, "cpu,cpuacct"},
		{Hierarchy{Controllers: "name=systemd"}, "systemd"},
		{Hierarchy{}, "unified"},
	} {
		if got := test.hierarchy.folderName(); got != test.want {
			t.Errorf("%q: got %q, want %q", test.hierarchy.Controllers, got, test.want)
		}
	}
}

func TestRemoveTakesTheWholeTree(t *testing.T) {
	root := filepath.Join(t.TempDir(), "fleetgate")
	if err := os.MkdirAll(filepath.Join(root, "kubepods", "pod1", "c1"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Remove([]string{root, root + "-that-is-not-there"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("the tree is still there: %v", err)
	}
}

func TestRemoveSaysWhatStays(t *testing.T) {
	root := t.TempDir()
	// A file stands for a process that keeps the cgroup.
	if err := os.WriteFile(filepath.Join(root, "busy"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Remove([]string{root}, time.Now()); err == nil {
		t.Error("a cgroup that stays is no error")
	}
}
