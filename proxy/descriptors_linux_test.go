package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// within has the proxy run with a limit of open files, of which some are taken
// already.
func within(files string, taken int) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		for range taken {
			cmd.ExtraFiles = append(cmd.ExtraFiles, os.Stdin)
		}
		cmd.Args = append([]string{"sh", "-c", `ulimit -n ` + files + `; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
	}
}

// More clients than there are descriptors for do not take those that the proxy
// needs for its own port. Nothing spins, even where descriptors went elsewhere so
// that the kernel has none to give; and those who come later are served.
func TestDescriptorsRunOut(t *testing.T) {
	for name, taken := range map[string]int{"by count": 0, "by the kernel": 150} {
		t.Run(name, func(t *testing.T) {
			c := start(t, func(w http.ResponseWriter, _ *http.Request) {}, within("256", taken))
			held := c.hold(400)
			before := c.cpu()
			time.Sleep(2 * time.Second)
			if spent := c.cpu() - before; spent > 500*time.Millisecond {
				t.Errorf("%v of CPU time in two seconds of standing still", spent)
			}
			if taken == 0 && c.metric(`fleetgate_proxy_refused_connections_total{reason="listener_limit"}`) < 200 {
				t.Error("connections were not refused")
			}
			for _, nc := range held {
				nc.Close()
			}
			c.eventually("a new client is served", func() bool { return c.fresh(time.Second) == http.StatusOK })
		})
	}
}

// hold opens connections that say nothing.
func (c *child) hold(n int) (held []net.Conn) {
	c.t.Helper()
	for range n {
		nc, err := net.DialTimeout("tcp", c.plain, 5*time.Second)
		if err != nil {
			// Refused by a reset before the dial came to its end.
			continue
		}
		c.t.Cleanup(func() { nc.Close() })
		held = append(held, nc)
	}
	return held
}
