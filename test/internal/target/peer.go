package target

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// patience is how long a peer gets to start.
const patience = 10 * time.Second

// startPeer starts a peer with a configuration that does what Fleetgate's does.
func startPeer(t testing.TB, name string, backends []Backend, certificate edge.Certificate) *Proxy {
	t.Helper()
	p := &Proxy{Plain: address(edge.FreePort(t)), TLS: address(edge.FreePort(t)), certificate: certificate}
	dir := t.TempDir()
	pem := filepath.Join(dir, "pair.pem")
	if err := os.WriteFile(pem, slices.Concat(certificate.CertPEM, certificate.Private), 0o600); err != nil {
		t.Fatal(err)
	}
	command := p.haproxy(t, dir, pem, backends)
	if name == "go" {
		command = p.gopeer(t, dir, pem, backends)
	}
	p.run(t, command)
	return p
}

// run starts the command, and ends it with the test.
func (p *Proxy) run(t testing.TB, command []string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// How a peer ends is no matter of the test.
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	p.pid = cmd.Process.Pid
	for _, at := range []string{p.Plain, p.TLS} {
		if err := listens(at); err != nil {
			t.Fatalf("%s: %v", command[0], err)
		}
	}
}

// listens waits until something accepts connections.
func listens(at string) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", at)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

// gopeer builds the program of that name.
func (p *Proxy) gopeer(t testing.TB, dir, pem string, backends []Backend) []string {
	t.Helper()
	file := filepath.Join(dir, "gopeer")
	build := exec.Command("go", "build", "-o", file, "github.com/fleetgate/fleetgate/test/internal/target/gopeer")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the peer: %v\n%s", err, out)
	}
	command := []string{file, p.Plain, p.TLS, pem}
	for _, b := range backends {
		command = append(command, b.Address, b.protocol())
	}
	return command
}

// haproxyConfig takes the addresses of both ports and the key pair. The
// backends b0 and b1 follow it.
const haproxyConfig = `global
  maxconn 9900
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout http-request 10s
frontend edge
  bind %s
  bind %s ssl crt %s alpn h2,http/1.1
  use_backend b1 if { hdr(host) -i ` + HostB + ` } { nbsrv(b1) gt 0 }
  default_backend b0
`

func (p *Proxy) haproxy(t testing.TB, dir, pem string, backends []Backend) []string {
	t.Helper()
	text := fmt.Appendf(nil, haproxyConfig, p.Plain, p.TLS, pem)
	for i := range 2 {
		text = fmt.Appendf(text, "backend b%d\n", i)
		if i < len(backends) {
			text = fmt.Appendf(text, "  server app %s %s\n", backends[i].Address, backends[i].haproxyOption())
		}
	}
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"haproxy", "-q", "-db", "-f", file}
}

func (b Backend) haproxyOption() string {
	if b.H2C {
		return "proto h2"
	}
	return ""
}

func address(port int32) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))) }
