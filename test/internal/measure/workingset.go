package measure

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// memoryGroup says where a version of cgroups has a process's memory, and under which
// name the part of it that is easily given back.
type memoryGroup struct{ root, usage, inactive string }

var (
	memoryGroup1 = memoryGroup{"/sys/fs/cgroup/memory", "memory.usage_in_bytes", "total_inactive_file"}
	memoryGroup2 = memoryGroup{"/sys/fs/cgroup", "memory.current", "inactive_file"}
)

// WorkingSet is the memory of a process's container as Kubernetes counts it, in bytes:
// with the kernel's for it, without pages of files that nobody has used lately, and each
// page that processes share once.
func WorkingSet(p procfs.Proc) (uint64, error) {
	groups, err := p.Cgroups()
	if err != nil {
		return 0, err
	}
	for _, g := range groups {
		switch {
		case slices.Contains(g.Controllers, "memory"):
			return memoryGroup1.workingSet(g.Path)
		case g.HierarchyID == 0:
			if _, err := os.Stat(filepath.Join(memoryGroup2.root, g.Path, memoryGroup2.usage)); err == nil {
				return memoryGroup2.workingSet(g.Path)
			}
		}
	}
	return 0, fmt.Errorf("process %d has no cgroup that counts memory", p.PID)
}

func (m memoryGroup) workingSet(path string) (uint64, error) {
	text, err := os.ReadFile(filepath.Join(m.root, path, m.usage))
	if err != nil {
		return 0, err
	}
	usage, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, err
	}
	stat, err := os.ReadFile(filepath.Join(m.root, path, "memory.stat"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(stat)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name != m.inactive {
			continue
		}
		inactive, err := strconv.ParseUint(value, 10, 64)
		return usage - min(usage, inactive), err
	}
	return 0, fmt.Errorf("memory.stat of %s has no %s", path, m.inactive)
}
