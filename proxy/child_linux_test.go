package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/internal/selfsigned"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

// childVariable has the test binary be the proxy.
const childVariable = "FLEETGATE_TEST_PROXY"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// child is a proxy in a process of its own. It serves one backend on a port for
// HTTP and one for HTTPS, and a hostage on one for TCP.
type child struct {
	t             *testing.T
	cmd           *exec.Cmd
	plain, secure string
	raw           string
	health        string
	log           *bytes.Buffer
	client        *http.Client
}

// start starts a proxy for a backend. How, if not nil, changes the command
// before it runs.
func start(t *testing.T, backend http.HandlerFunc, how func(*exec.Cmd)) *child {
	t.Helper()
	return startWith(t, backend, func(c *child, dir string, ports []int, backend int) {
		c.configure(dir, ports, backend, startHostage(t))
	}, how)
}

// startWith is start with another configuration, which is given the folder to be
// written to, the ports of the listeners and the backend's.
func startWith(t *testing.T, backend http.HandlerFunc, configure func(c *child, dir string, ports []int, backend int), how func(*exec.Cmd)) *child {
	t.Helper()
	server := httptest.NewServer(backend)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	ports := freePorts(t, 4)
	c := &child{
		t: t, plain: address(ports[0]), secure: address(ports[1]), health: "http://" + address(ports[2]), raw: address(ports[3]),
		log:    &bytes.Buffer{},
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	dir := t.TempDir()
	configure(c, dir, ports, server.Listener.Addr().(*net.TCPAddr).Port)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.cmd = exec.Command(self, "--gateway-namespace=ns", "--gateway-name=gw", "--gateway-uid=uid", "--bind=127.0.0.1", "--loops=1",
		"--config-dir="+dir, "--health-address="+address(ports[2]), "--allow-loopback-backends", "--drain-timeout=1s")
	c.cmd.Env = append(os.Environ(), childVariable+"=1")
	c.cmd.Stderr = c.log
	// A test that is killed takes its proxy along.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if how != nil {
		how(c.cmd)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	c.await(c.health + "/readyz")
	return c
}

// stop ends the proxy, which must be there still.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the proxy ended: %v\n%s", err, c.log)
	} else if c.t.Failed() {
		c.t.Logf("the proxy's log:\n%s", c.log)
	}
}

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		ports = append(ports, int(porttest.Free(t)))
	}
	return ports
}

// configure writes the configuration.
func (c *child) configure(dir string, ports []int, backend, hostage int) {
	c.t.Helper()
	chain, key := certificate(c.t)
	sum := sha256.Sum256(chain)
	config := &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{
			{Name: "http", Port: int32(ports[0]), Protocol: proxyconfig.HTTP},
			{Name: "https", Port: int32(ports[1]), Protocol: proxyconfig.HTTPS,
				Certificates: []proxyconfig.CertificateRef{{Key: "a", SHA256: hex.EncodeToString(sum[:])}}},
			{Name: "tcp", Port: int32(ports[3]), Protocol: proxyconfig.TCP},
		},
		Routes: []proxyconfig.Route{{
			Kind: "HTTPRoute", Namespace: "ns", Name: "all",
			Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{""}}, {Listener: "https", Hostnames: []string{""}}},
			Rules:       []proxyconfig.Rule{{Backends: []proxyconfig.BackendRef{{Backend: "b", Weight: 1}}}},
		}, {
			Kind: proxyconfig.TCPRoute, Namespace: "ns", Name: "tcp",
			Attachments: []proxyconfig.Attachment{{Listener: "tcp", Hostnames: []string{""}}},
			Rules:       []proxyconfig.Rule{{Backends: []proxyconfig.BackendRef{{Backend: "h", Weight: 1}}}},
		}},
		Backends: []proxyconfig.Backend{backendOf("b", "http", backend), backendOf("h", proxyconfig.BackendTCP, hostage)},
	}
	data, _, err := proxyconfig.Encode(proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: "uid"}, 1, config)
	if err != nil {
		c.t.Fatal(err)
	}
	for name, data := range map[string][]byte{proxyconfig.ConfigKey: data, "a.crt": chain, "a.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}

func backendOf(name, protocol string, port int) proxyconfig.Backend {
	return proxyconfig.Backend{
		ID: name, Namespace: "ns", Service: name, Port: 80, Protocol: protocol,
		Endpoints: []proxyconfig.Endpoint{{Address: "127.0.0.1", Port: int32(port)}},
	}
}

func certificate(t *testing.T) (chain, private []byte) {
	t.Helper()
	return selfsigned.Pair(t, &x509.Certificate{DNSNames: []string{"a"}, NotAfter: time.Now().Add(time.Hour)})
}

// get returns what a URL answers; zero is no answer.
func (c *child) get(url string) (int, string) {
	resp, err := c.client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

// fresh makes a request on a connection of its own, and returns the status, or
// zero where there was no answer.
func (c *child) fresh(timeout time.Duration) int {
	nc, err := net.DialTimeout("tcp", c.plain, timeout)
	if err != nil {
		return 0
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(timeout))
	fmt.Fprint(nc, "GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	answer, _ := io.ReadAll(nc)
	var status int
	_, _ = fmt.Sscanf(string(answer), "HTTP/1.1 %d", &status)
	return status
}

// await waits until a URL answers 200.
func (c *child) await(url string) {
	c.t.Helper()
	c.eventually(url+" answers", func() bool { status, _ := c.get(url); return status == http.StatusOK })
}

func (c *child) eventually(what string, f func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("never came true: %s", what)
		}
	}
}

// metric returns the value of a metric, written as it is exported.
func (c *child) metric(name string) float64 {
	c.t.Helper()
	_, text := c.get(c.health + "/metrics")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				c.t.Fatal(err)
			}
			return n
		}
	}
	c.t.Fatalf("no metric %s in %q", name, text)
	return 0
}

// proc reads a file of the process's folder in /proc.
func (c *child) proc(name string) string {
	c.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.cmd.Process.Pid, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

// cpu returns how long the process's threads have run.
func (c *child) cpu() (sum time.Duration) {
	c.t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", c.cmd.Process.Pid))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, file := range tasks {
		// A thread may have ended meanwhile.
		data, _ := os.ReadFile(file)
		var ran int64
		_, _ = fmt.Sscan(string(data), &ran)
		sum += time.Duration(ran)
	}
	return sum
}

// anonymous returns the process's anonymous memory in bytes, resident all that it
// has in memory, and peak the most of that so far.
func (c *child) anonymous() int64 { return c.memory("RssAnon:") }
func (c *child) resident() int64  { return c.memory("VmRSS:") }
func (c *child) peak() int64      { return c.memory("VmHWM:") }

func (c *child) memory(name string) (bytes int64) {
	c.t.Helper()
	for line := range strings.Lines(c.proc("status")) {
		if value, ok := strings.CutPrefix(line, name); ok {
			_, _ = fmt.Sscan(value, &bytes)
		}
	}
	return bytes << 10
}
