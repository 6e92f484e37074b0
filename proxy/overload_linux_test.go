package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// memoryLimit is what the proxy may have, a quarter of what its clients would
// make it hold.
const memoryLimit = 64 << 20

// confined has the proxy run with the limit: as a cgroup's, where one can be
// made, and else as the runtime's alone.
func confined(t *testing.T) func(*exec.Cmd) {
	own, _ := os.ReadFile("/proc/self/cgroup")
	_, rest, found := strings.Cut(string(own), ":memory:")
	path, _, _ := strings.Cut(rest, "\n")
	group := filepath.Join("/sys/fs/cgroup/memory", path, fmt.Sprintf("fleetgate-test-%d", os.Getpid()))
	if !found || os.Mkdir(group, 0o755) != nil {
		t.Log("no cgroup can be made: the limit is GOMEMLIMIT")
		return func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, fmt.Sprintf("GOMEMLIMIT=%d", memoryLimit/10*9)) }
	}
	t.Cleanup(func() { os.Remove(group) })
	if err := os.WriteFile(filepath.Join(group, "memory.limit_in_bytes"), fmt.Append(nil, memoryLimit), 0o644); err != nil {
		t.Fatal(err)
	}
	return func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", `echo $$ >` + group + `/cgroup.procs; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
	}
}

// Four times as much as the memory would hold is asked for: heads that never
// end, large bodies that nobody reads, and HTTP/2 streams without a window. The
// proxy stays within its limit, goes on answering, and recovers by itself.
func TestOverloadOfMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's own memory is many times that of the proxy")
	}
	large := bytes.Repeat([]byte("x"), 1<<20)
	c := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			w.Write(large)
		}
	}, confined(t))
	a := c.attack()
	answers := map[int]int{}
	var most int64
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		answers[c.fresh(2*time.Second)]++
		most = max(most, c.anonymous())
	}
	unserved := c.metric(`fleetgate_proxy_refused_connections_total{reason="overload"}`) + c.metric("fleetgate_proxy_shed_requests_total")
	t.Logf("at most %d MiB, %v refused or shed; answers by status: %v; asked to hold %d MiB", most>>20, unserved, answers, a.asked.Load()>>20)
	a.stop()
	if most > memoryLimit {
		t.Errorf("used %d bytes, more than %d", most, memoryLimit)
	}
	if unserved == 0 {
		t.Error("nothing was seen of the overload")
	}
	if answers[http.StatusOK] == 0 {
		t.Errorf("nobody was served: %v", answers)
	}
	c.eventually("the overload ends", func() bool { return c.metric("fleetgate_proxy_overload_level") == 0 })
	if got := c.fresh(5 * time.Second); got != http.StatusOK {
		t.Errorf("after the overload: got %d", got)
	}
}
