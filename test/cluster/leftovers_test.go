package main_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// traces is what a cluster could leave on the machine, sorted.
type traces struct {
	// Processes are those that still are in one of the cluster's namespaces.
	Processes []string
	// Networks are the names of network namespaces.
	Networks []string
	// Mounts are the mount points, with their kinds.
	Mounts []string
	// Cgroups are all cgroups that are the cluster's by their name.
	Cgroups []string
	// Folders are those of the usual places of the components that exist.
	Folders []string
}

// usualPlaces are folders that the components would use if they were not told
// otherwise.
func usualPlaces() []string {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/root"
	}
	return []string{
		"/etc/cni", "/etc/containerd", "/etc/kubernetes", "/opt/cni", "/run/containerd", "/run/flannel",
		"/usr/libexec/kubernetes", "/var/lib/cni", "/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet",
		"/var/log/containers", "/var/log/pods", filepath.Join(home, ".kube"),
	}
}

func survey(t *testing.T, namespaces map[string]bool) traces {
	t.Helper()
	s := traces{
		Processes: processesOf(t, namespaces),
		Networks:  names(t, "/run/netns"),
		Mounts:    mounts(t),
		Cgroups:   cgroups(t),
	}
	for _, f := range usualPlaces() {
		if _, err := os.Stat(f); err == nil {
			s.Folders = append(s.Folders, f)
		}
	}
	return s
}

func compare(t *testing.T, before, after traces) {
	t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the machine differs from before (-before +after):\n%s", diff)
	}
}

// namespacesOf returns the process's namespaces that are not this one's, such
// as "net:[4026532208]".
func namespacesOf(t *testing.T, pid int) map[string]bool {
	t.Helper()
	own := links(t, os.Getpid())
	all := links(t, pid)
	if len(all) == 0 {
		t.Fatalf("process %d has no namespaces", pid)
	}
	for n := range own {
		delete(all, n)
	}
	return all
}

func links(t *testing.T, pid int) map[string]bool {
	t.Helper()
	folder := filepath.Join("/proc", strconv.Itoa(pid), "ns")
	all := map[string]bool{}
	for _, name := range names(t, folder) {
		// The process may end while it is looked at.
		if target, err := os.Readlink(filepath.Join(folder, name)); err == nil {
			all[target] = true
		}
	}
	return all
}

func processesOf(t *testing.T, namespaces map[string]bool) []string {
	t.Helper()
	var found []string
	for _, name := range names(t, "/proc") {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		for n := range links(t, pid) {
			if namespaces[n] {
				found = append(found, name+" in "+n)
			}
		}
	}
	slices.Sort(found)
	return found
}

func mounts(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		all = append(all, fields[1]+" "+fields[2])
	}
	slices.Sort(all)
	return all
}

func cgroups(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		switch entry.Name() {
		case "fleetgate", "kubepods", "k8s.io":
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		// A process that ends while its folder is read.
		if strings.HasPrefix(folder, "/proc/") {
			return nil
		}
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
