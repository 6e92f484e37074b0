package overload

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
)

// cgroup is the memory controller's folder of the process, of version 2 or 1.
type cgroup struct {
	folder       string
	limit, usage string
	inactive     string
}

// Container is the cgroup that bounds the memory of the process.
type Container struct {
	group cgroup
	limit int64
	// reclaimable is what was last seen of file pages that the kernel gives up
	// first.
	reclaimable atomic.Int64
}

// FindContainer returns the cgroup with the least limit among that of the
// process and those around it, as far as they can be seen; nil if there is no
// limit.
func FindContainer() *Container {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	return findContainer("/sys/fs/cgroup", string(own))
}

func findContainer(root, own string) *Container {
	var least *Container
	for _, g := range groups(root, own) {
		// Version 1 says "none" with a number near the greatest one.
		limit, ok := readNumber(path.Join(g.folder, g.limit))
		if ok && limit > 0 && limit < math.MaxInt64/2 && (least == nil || limit < least.limit) {
			least = &Container{group: g, limit: limit}
		}
	}
	return least
}

// groups lists the folders of the process's cgroup and of those around it.
// Within a namespace of its own a process may see a path that is not there,
// while the root is its own cgroup.
func groups(root, own string) []cgroup {
	var out []cgroup
	for line := range strings.Lines(own) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, name, _ := strings.Cut(rest, ":")
		g := cgroup{root, "memory.max", "memory.current", "inactive_file"}
		switch controllers {
		case "":
		case "memory":
			g = cgroup{path.Join(root, "memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
		default:
			continue
		}
		for at := path.Join("/", name); ; at = path.Dir(at) {
			inner := g
			inner.folder = path.Join(g.folder, at)
			out = append(out, inner)
			if at == "/" {
				break
			}
		}
	}
	return out
}

// Limit returns the limit in bytes.
func (c *Container) Limit() int64 { return c.limit }

// leastSlack is what the last step leaves free at least, but of very small containers:
// what a burst takes before it is noticed does not shrink with the container.
const leastSlack = 16 << 20

// bound returns the bytes that the steps of memory are parts of: the limit, or less
// where that would leave too little behind the last step.
func (c *Container) bound() int64 {
	lacking := leastSlack - int64(float64(c.limit)*(1-refuseConnectionsAt))
	return c.limit - min(max(lacking, 0), c.limit/8)
}

// used returns how much memory is used, but for file pages that the kernel gives
// up first, as they were last seen.
func (c *Container) used() int64 {
	used, _ := readNumber(path.Join(c.group.folder, c.group.usage))
	return used - c.reclaimable.Load()
}

// lookAtFiles looks how much of the memory is such file pages.
func (c *Container) lookAtFiles() {
	stat, _ := os.ReadFile(path.Join(c.group.folder, "memory.stat"))
	for line := range strings.Lines(string(stat)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == c.group.inactive {
			n, _ := strconv.ParseInt(value, 10, 64)
			c.reclaimable.Store(n)
		}
	}
}

func readNumber(file string) (int64, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return n, err == nil
}
