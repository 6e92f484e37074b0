package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// memoryLimit is what the proxy may have, a quarter of what its clients would
// make it hold.
const memoryLimit = 64 << 20

// hierarchy is a tree of cgroups that may bound memory.
type hierarchy struct {
	mount string
	// own is where the process is in it.
	own string
	// limit, peak and events are the files of the bound, of the most that was used and
	// of what came of it.
	limit, peak, events string
}

// hierarchies finds them by /proc/self/mounts and /proc/self/cgroup, those of
// version 2 first.
func hierarchies(mounts, own string) (two, one []hierarchy) {
	places := map[string]string{}
	for line := range strings.Lines(own) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, _ := strings.Cut(rest, ":")
		for name := range strings.SplitSeq(controllers, ",") {
			places[name] = path
		}
	}
	for line := range strings.Lines(mounts) {
		f := strings.Fields(line)
		switch {
		case len(f) < 4:
		case f[2] == "cgroup2":
			two = append(two, hierarchy{f[1], places[""], "memory.max", "memory.peak", "memory.events"})
		case f[2] == "cgroup" && slices.Contains(strings.Split(f[3], ","), "memory"):
			one = append(one, hierarchy{f[1], places["memory"], "memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"})
		}
	}
	return two, one
}

// sub makes a cgroup, as near to the process's own one as memory can be bounded.
func (h hierarchy) sub(name string) (folder string, err error) {
	err = fs.ErrNotExist
	for at := filepath.Join("/", h.own); ; at = filepath.Dir(at) {
		folder = filepath.Join(h.mount, at, name)
		if e := os.Mkdir(folder, 0o755); e == nil {
			// In version 2 it depends on what the cgroups around it hand down.
			if _, e = os.Stat(filepath.Join(folder, h.limit)); e == nil {
				return folder, nil
			}
			_ = os.Remove(folder)
		} else if !errors.Is(e, fs.ErrNotExist) {
			err = e
		}
		if at == "/" {
			return "", err
		}
	}
}

// confinement holds a proxy to the limit: by a cgroup where one can be made, and
// else by what its runtime holds itself to.
type confinement struct {
	t *testing.T
	// folder is empty where there is no cgroup.
	folder string
	hierarchy
}

func confine(t *testing.T) *confinement {
	t.Helper()
	mounts, _ := os.ReadFile("/proc/self/mounts")
	own, _ := os.ReadFile("/proc/self/cgroup")
	two, one := hierarchies(string(mounts), string(own))
	for _, h := range append(two, one...) {
		folder, err := h.sub(fmt.Sprintf("fleetgate-test-%d", os.Getpid()))
		if err != nil {
			t.Logf("no cgroup with %s below %s: %v", h.limit, h.mount, err)
			continue
		}
		t.Cleanup(func() { os.Remove(folder) })
		if err := os.WriteFile(filepath.Join(folder, h.limit), fmt.Append(nil, memoryLimit), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("the limit is that of %s", folder)
		return &confinement{t, folder, h}
	}
	t.Log("the limit is GOMEMLIMIT: nobody kills who exceeds it")
	return &confinement{t: t}
}

// how has a command run within the limit.
func (c *confinement) how(cmd *exec.Cmd) {
	if c.folder == "" {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GOMEMLIMIT=%d", memoryLimit/10*9))
		return
	}
	cmd.Args = append([]string{"sh", "-c", `echo $$ >` + c.folder + `/cgroup.procs; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// most returns the most that was used so far of what the limit is for, with what the
// kernel uses for the proxy; zero where nobody counts that.
func (c *confinement) most() (bytes int64) {
	if c.folder != "" {
		data, _ := os.ReadFile(filepath.Join(c.folder, c.peak))
		_, _ = fmt.Sscan(string(data), &bytes)
	}
	return bytes
}

// kills returns how many processes the kernel has killed for the limit's sake.
func (c *confinement) kills() (n int) {
	c.t.Helper()
	if c.folder == "" {
		return 0
	}
	data, err := os.ReadFile(filepath.Join(c.folder, c.events))
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if k, err := fmt.Sscanf(line, "oom_kill %d", &n); k == 1 && err == nil {
			return n
		}
	}
	c.t.Fatalf("%s does not count kills: %q", c.events, data)
	return 0
}

func TestHierarchies(t *testing.T) {
	for name, tt := range map[string]struct{ mounts, own, want string }{
		"version 2": {"proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n", "0::/user/me\n",
			"[{/sys/fs/cgroup /user/me memory.max memory.peak memory.events}] []"},
		"both": {"cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n",
			"4:cpu:/c\n3:blkio,memory:/m\n0::/u\n",
			"[{/sys/fs/cgroup/unified /u memory.max memory.peak memory.events}] [{/sys/fs/cgroup/memory /m memory.limit_in_bytes memory.max_usage_in_bytes memory.oom_control}]"},
		"none": {"proc /proc proc rw 0 0\n", "", "[] []"},
	} {
		t.Run(name, func(t *testing.T) {
			two, one := hierarchies(tt.mounts, tt.own)
			if got := fmt.Sprint(two, one); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
