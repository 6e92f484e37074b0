package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Hierarchy is one cgroup hierarchy and a process's place in it.
type Hierarchy struct {
	// Controllers names the hierarchy as in /proc/self/cgroup, such as
	// "cpu,cpuacct" or "name=systemd". It is empty for the unified one.
	Controllers string
	// Path is the process's cgroup, from the hierarchy's root.
	Path string
}

// Unified reports whether this is the v2 hierarchy.
func (h Hierarchy) Unified() bool { return h.Controllers == "" }

// Own returns the hierarchies with the calling process's places.
func Own() ([]Hierarchy, error) {
	content, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("reading the own cgroups: %w", err)
	}
	return parseOwn(string(content))
}

func parseOwn(content string) ([]Hierarchy, error) {
	var all []Hierarchy
	for line := range strings.Lines(content) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("line %q of /proc/self/cgroup has no three parts", line)
		}
		all = append(all, Hierarchy{Controllers: parts[1], Path: parts[2]})
	}
	return all, nil
}

// hybrid reports whether there are v1 hierarchies.
func hybrid(all []Hierarchy) bool {
	for _, h := range all {
		if !h.Unified() {
			return true
		}
	}
	return false
}

// folderName is the hierarchy's folder below /sys/fs/cgroup on a hybrid
// machine.
func (h Hierarchy) folderName() string {
	if h.Unified() {
		return "unified"
	}
	return strings.TrimPrefix(h.Controllers, "name=")
}

// mounted returns the folder at which the cgroup with the given path is
// visible to the calling process.
func (h Hierarchy) mounted(table []mountPoint) (string, error) {
	for _, m := range table {
		if !m.shows(h) {
			continue
		}
		// The mount may show only a part of the hierarchy.
		if relative, err := filepath.Rel(m.root, h.Path); err == nil && !strings.HasPrefix(relative, "..") {
			return filepath.Join(m.folder, relative), nil
		}
	}
	return "", fmt.Errorf("cgroup hierarchy %q is not mounted", h.Controllers)
}

// mountPoint is a mount of a cgroup hierarchy.
type mountPoint struct {
	folder  string
	root    string
	kind    string
	options map[string]bool
}

func (m mountPoint) shows(h Hierarchy) bool {
	if h.Unified() {
		return m.kind == "cgroup2"
	}
	if m.kind != "cgroup" {
		return false
	}
	for c := range strings.SplitSeq(h.Controllers, ",") {
		if !m.options[c] {
			return false
		}
	}
	return true
}

func mountPoints() ([]mountPoint, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	return parseMounts(string(content)), nil
}

// parseMounts picks the cgroup mounts out of /proc/self/mountinfo; proc(5)
// has the format.
func parseMounts(content string) []mountPoint {
	var all []mountPoint
	for line := range strings.Lines(content) {
		before, after, ok := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 5 || len(right) < 3 || !strings.HasPrefix(right[0], "cgroup") {
			continue
		}
		m := mountPoint{root: left[3], folder: left[4], kind: right[0], options: map[string]bool{}}
		for o := range strings.SplitSeq(right[2], ",") {
			m.options[o] = true
		}
		all = append(all, m)
	}
	return all
}
