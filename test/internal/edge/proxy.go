package edge

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// patience is how long the proxy gets to start, to reload and to answer on its
// own ports. It is long, as a test fails by it only when something is broken.
const patience = 30 * time.Second

// gateway is the one that all configurations are rendered for.
var gateway = proxyconfig.Gateway{Namespace: "edge", Name: "edge", UID: "edge-uid"}

// Options say what is started.
type Options struct {
	// Config is what is served. Listeners whose port is zero get a free one,
	// which is written into the Config.
	Config *proxyconfig.Config
	// Certificates are the key pairs that lie beside the configuration.
	Certificates []Certificate
	// Args are flags beside the defaults; they come last, and so prevail.
	Args []string
	// Env are variables beside those of the test, as "KEY=value".
	Env []string
}

// Proxy is a running proxy. It belongs to one test, which ends it, and is not
// safe for concurrent use but for Addr and PID.
type Proxy struct {
	t          testing.TB
	cmd        *exec.Cmd
	volume     volume
	revision   int64
	config     *proxyconfig.Config
	certs      []Certificate
	healthPort int32
	health     *http.Client
	log        syncBuffer
	// ended is closed when the process has ended, as exit says.
	ended chan struct{}
	exit  error
}

// Start starts the proxy and returns when it is ready and its listeners accept
// connections. The test's cleanup ends it; a test that fails shows its log.
func Start(t testing.TB, o Options) *Proxy {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		t: t, volume: volume{dir: t.TempDir()}, healthPort: FreePort(t),
		health: &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}},
		ended:  make(chan struct{}), certs: o.Certificates,
	}
	p.write(o.Config)
	p.run(file, o)
	t.Cleanup(p.cleanup)
	p.await("start", p.ready)
	p.await("serve the configuration", func() error { return p.serves(p.revision) })
	return p
}

func (p *Proxy) run(file string, o Options) {
	p.t.Helper()
	p.cmd = exec.Command(file, append([]string{
		"--gateway-namespace", gateway.Namespace,
		"--gateway-name", gateway.Name,
		"--gateway-uid", gateway.UID,
		"--config-dir", p.volume.dir,
		"--bind", "127.0.0.1",
		"--health-address", address(p.healthPort),
		"--admin-address", "127.0.0.1:0",
		"--allow-loopback-backends",
	}, o.Args...)...)
	p.cmd.Env = append(append(os.Environ(), "GORACE=halt_on_error=1"), o.Env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		p.exit = p.cmd.Wait()
		close(p.ended)
	}()
}

// Reload replaces the configuration and the certificates beside it, and returns
// when the new one serves.
func (p *Proxy) Reload(c *proxyconfig.Config, certs ...Certificate) {
	p.t.Helper()
	p.certs = certs
	p.write(c)
	p.await("serve the new configuration", func() error { return p.serves(p.revision) })
	p.await("listen", p.listens)
}

// write puts the next revision into the volume.
func (p *Proxy) write(c *proxyconfig.Config) {
	p.t.Helper()
	for i := range c.Listeners {
		if c.Listeners[i].Port == 0 {
			c.Listeners[i].Port = FreePort(p.t)
		}
	}
	p.revision++
	p.config = c
	document, _, err := proxyconfig.Encode(gateway, p.revision, c)
	if err != nil {
		p.t.Fatal(err)
	}
	files := map[string][]byte{proxyconfig.ConfigKey: document}
	for _, cert := range p.certs {
		files[cert.Key+".crt"], files[cert.Key+".key"] = cert.CertPEM, cert.Private
	}
	if err := p.volume.write(files); err != nil {
		p.t.Fatal(err)
	}
}

// listens fails while a listener refuses connections.
func (p *Proxy) listens() error {
	for _, l := range p.config.Listeners {
		if l.Protocol == proxyconfig.UDP {
			continue
		}
		c, err := net.Dial("tcp", address(l.Port))
		if err != nil {
			return err
		}
		c.Close()
	}
	return nil
}

// await calls f until it returns no error.
func (p *Proxy) await(what string, f func() error) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-p.ended:
			p.t.Fatalf("the proxy ended (%v) before it could %s\n%s", p.exit, what, p.log.String())
		default:
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the proxy did not %s: %v", what, err)
		}
	}
}

// Addr is the host:port of the listener called name.
func (p *Proxy) Addr(name string) string {
	for _, l := range p.config.Listeners {
		if l.Name == name {
			return address(l.Port)
		}
	}
	panic("edge: no listener " + strconv.Quote(name))
}

// HealthAddr is the host:port of readiness and metrics.
func (p *Proxy) HealthAddr() string { return address(p.healthPort) }

func (p *Proxy) healthURL(path string) string { return "http://" + p.HealthAddr() + path }

func address(port int32) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))) }

// PID is the number of the process.
func (p *Proxy) PID() int { return p.cmd.Process.Pid }

// Log is what the proxy has written so far.
func (p *Proxy) Log() string { return p.log.String() }

// Signal sends the process a signal. One that has ended takes none.
func (p *Proxy) Signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("signal %v: %v", s, err)
	}
}

// Wait waits until the process has ended and returns how it did: nil is a
// status of zero. It gives up after a time that no drain takes.
func (p *Proxy) Wait() error {
	select {
	case <-p.ended:
		return p.exit
	case <-time.After(2 * patience):
		return fmt.Errorf("process %d did not end", p.PID())
	}
}

// cleanup ends the process the hard way: a test that cares for its drain has
// ended it before.
func (p *Proxy) cleanup() {
	select {
	case <-p.ended:
	default:
		p.Signal(syscall.SIGKILL)
		<-p.ended
	}
	if p.t.Failed() {
		p.t.Logf("%s wrote:\n%s", filepath.Base(p.cmd.Path), p.log.String())
	}
}

// syncBuffer is a buffer that may be read while a process writes to it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(data)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
