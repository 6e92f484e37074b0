package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// startSupervised is startWith for a proxy with a supervisor.
func startSupervised(t *testing.T, configure func(c *child, dir string, ports []int, backend int)) *child {
	t.Helper()
	hello := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }
	return startWith(t, hello, configure, func(cmd *exec.Cmd) { cmd.Args = append(cmd.Args, "--supervise") })
}

// startEcho starts a backend of TCP that says what it hears.
func startEcho(t *testing.T) (port int) {
	return startTCP(t, func(nc *net.TCPConn) { _, _ = io.Copy(nc, nc) })
}

// configurePlain has the port for HTTP alone be served, by a newer configuration than
// that of configure.
func (c *child) configurePlain(dir string, port, backend int) {
	c.t.Helper()
	data, _, err := proxyconfig.Encode(proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: "uid"}, 2, &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{{Name: "http", Port: int32(port), Protocol: proxyconfig.HTTP}},
		Routes: []proxyconfig.Route{{
			Kind: "HTTPRoute", Namespace: "ns", Name: "all",
			Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{""}}},
			Rules:       []proxyconfig.Rule{{Backends: []proxyconfig.BackendRef{{Backend: "b", Weight: 1}}}},
		}},
		Backends: []proxyconfig.Backend{backendOf("b", "http", backend)},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.replace(filepath.Join(dir, proxyconfig.ConfigKey), data)
}

// worker returns the process that the supervisor has started.
func (c *child) worker() int {
	c.t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", c.cmd.Process.Pid))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return pid
		}
	}
	return 0
}

// outcomes counts what became of connections.
type outcomes struct {
	answered, refused, cut atomic.Int64
	// reason is why the last one was refused.
	reason atomic.Value
}

// visit makes a connection for one request.
func (o *outcomes) visit(addr, request, answer string) {
	nc, err := net.DialTimeout("tcp", addr, 20*time.Second)
	if err != nil {
		o.refused.Add(1)
		o.reason.Store(err.Error())
		return
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprint(nc, request)
	got := make([]byte, len(answer))
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != answer {
		o.cut.Add(1)
		return
	}
	o.answered.Add(1)
}

// A proxy that is killed without warning, again and again and under load, loses what
// was in progress on it, and refuses nobody: who comes meanwhile waits for the next one.
func TestKilledProxyRefusesNobody(t *testing.T) {
	const kills, clients = 5, 4
	c := startSupervised(t, func(c *child, dir string, ports []int, backend int) { c.configure(dir, ports, backend, startEcho(t)) })
	var plain, raw outcomes
	var done atomic.Bool
	defer done.Store(true)
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for !done.Load() {
				plain.visit(c.plain, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 200")
			}
		})
		running.Go(func() {
			for !done.Load() {
				raw.visit(c.raw, "ping", "ping")
				time.Sleep(time.Millisecond)
			}
		})
	}
	for range kills {
		before := plain.answered.Load() + raw.answered.Load()
		c.eventually("requests are answered", func() bool { return plain.answered.Load()+raw.answered.Load() > before+200 })
		victim := c.worker()
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		c.eventually("another process serves", func() bool { next := c.worker(); return next != 0 && next != victim })
	}
	answered := plain.answered.Load()
	c.eventually("requests are answered after the last", func() bool { return plain.answered.Load() > answered+200 })
	done.Store(true)
	running.Wait()
	for name, o := range map[string]*outcomes{"HTTP": &plain, "TCP": &raw} {
		t.Logf("%s: %d answered, %d refused, %d cut", name, o.answered.Load(), o.refused.Load(), o.cut.Load())
		if o.refused.Load() != 0 || o.cut.Load() > kills*clients || o.answered.Load() == 0 {
			t.Errorf("%s: %d of %d were refused (%v), and %d cut", name, o.refused.Load(), o.answered.Load(), o.reason.Load(), o.cut.Load())
		}
	}
	c.await(c.health + "/readyz")
	if got := c.metric("fleetgate_proxy_restarts_total"); got != kills {
		t.Errorf("%v restarts are told", got)
	}
}

// A port that the configuration gives up is closed for good, whoever else holds it.
func TestSupervisedProxyClosesPorts(t *testing.T) {
	var giveUp func()
	c := startSupervised(t, func(c *child, dir string, ports []int, backend int) {
		c.configure(dir, ports, backend, startEcho(t))
		giveUp = func() { c.configurePlain(dir, ports[0], backend) }
	})
	refused := func(addr string) func() bool {
		return func() bool {
			nc, err := net.Dial("tcp", addr)
			if err == nil {
				nc.Close()
			}
			return err != nil
		}
	}
	giveUp()
	c.eventually("the port of TCP is closed", refused(c.raw))
	c.eventually("that of HTTPS is", refused(c.secure))
	if err := syscall.Kill(c.worker(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.await("http://" + c.plain + "/")
	if !refused(c.raw)() {
		t.Error("a port that was given up is open again")
	}
}
