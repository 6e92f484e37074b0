package l4

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// world is a Server with a clock that tests move.
type world struct {
	t        testing.TB
	server   *Server
	registry *balance.Registry
	clock    atomic.Int64
	current  atomic.Pointer[snapshot.Snapshot]

	closing func()

	mu   sync.Mutex
	done []traffic.Done
}

func (w *world) RequestDone(d *traffic.Done) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, *d)
}

func (w *world) reports() []traffic.Done {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done
}

const testPort = 1 // of the listeners; no socket has it

// newWorld forwards all of a protocol to the addresses.
func newWorld(t testing.TB, o Options, protocol proxyconfig.Protocol, addrs ...string) *world {
	t.Helper()
	return newWorldOf(t, o, protocol, backendOf(protocol, addrs...))
}

// backendOf is a backend "b" that has the addresses.
func backendOf(protocol proxyconfig.Protocol, addrs ...string) proxyconfig.Backend {
	b := proxyconfig.Backend{ID: "b", Namespace: "ns", Service: "b", Port: 1, Protocol: "tcp"}
	if protocol == proxyconfig.UDP {
		b.Protocol = "udp"
	}
	for _, a := range addrs {
		ap := netip.MustParseAddrPort(a)
		b.Endpoints = append(b.Endpoints, proxyconfig.Endpoint{Address: ap.Addr().String(), Port: int32(ap.Port())})
	}
	return b
}

// newWorldOf forwards all of a protocol to a backend "b". What of it is invalid
// may be refused.
func newWorldOf(t testing.TB, o Options, protocol proxyconfig.Protocol, b proxyconfig.Backend) *world {
	t.Helper()
	w := &world{t: t, registry: balance.NewRegistry(balance.Options{AllowLoopback: true, Zone: "here"})}
	w.clock.Store(int64(time.Hour))
	w.apply(protocol, b)
	o.Snapshot, o.Observer, o.Now = &w.current, w, w.clock.Load
	w.server = New(o)
	t.Cleanup(w.server.Close)
	return w
}

// apply forwards all of a protocol to a backend from now on.
func (w *world) apply(protocol proxyconfig.Protocol, b proxyconfig.Backend) {
	w.t.Helper()
	kind := proxyconfig.TCPRoute
	if protocol == proxyconfig.UDP {
		kind = proxyconfig.UDPRoute
	}
	snap, refused := snapshot.Compile(snapshot.Input{
		Document: &proxyconfig.Document{}, Registry: w.registry, Previous: w.current.Load(),
		Config: &proxyconfig.Config{
			Listeners: []proxyconfig.Listener{{Name: "l", Port: testPort, Protocol: protocol}},
			Routes: []proxyconfig.Route{{
				Kind: kind, Namespace: "ns", Name: "r",
				Attachments: []proxyconfig.Attachment{{Listener: "l", Hostnames: []string{""}}},
				Rules:       []proxyconfig.Rule{{Backends: []proxyconfig.BackendRef{{Backend: "b", Weight: 1}}}},
			}},
			Backends: []proxyconfig.Backend{b},
		},
	})
	if len(refused) > 0 && (b.TLS == nil || b.TLS.Invalid == "") {
		w.t.Fatal(refused)
	}
	snap.Commit()
	w.current.Store(snap)
}

// openUDP opens the UDP port on a number of the system's choice.
func (w *world) openUDP() (*UDPPort, string) {
	w.t.Helper()
	p, err := w.server.OpenUDP(netip.MustParseAddr("127.0.0.1"), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	// What it serves is the listener's, whatever the system chose.
	p.mu.Lock()
	p.number = testPort
	p.mu.Unlock()
	w.closing = sync.OnceFunc(p.Close)
	w.t.Cleanup(w.closing)
	return p, p.conn.LocalAddr().String()
}

// closeUDP closes the port that was opened last.
func (w *world) closeUDP() { w.closing() }

// connect returns the client's end of a connection that is served.
func (w *world) connect(ln net.Listener, serving *sync.WaitGroup) *net.TCPConn {
	w.t.Helper()
	return w.serve(ln, serving, func(*Stream) {})
}

// serve is connect for a Stream that is changed before. A handshake comes before
// it is served.
func (w *world) serve(ln net.Listener, serving *sync.WaitGroup, change func(*Stream)) *net.TCPConn {
	w.t.Helper()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	nc, err := ln.Accept()
	if err != nil {
		w.t.Fatal(err)
	}
	snap := w.current.Load()
	p := snap.Port(testPort)
	st := &Stream{
		Conn: nc.(*net.TCPConn), Port: testPort, Listener: p.TCPListener, Rule: p.TCPRule,
		Snapshot: snap, Start: time.Now(), Source: c.LocalAddr().(*net.TCPAddr).AddrPort(),
	}
	change(st)
	serving.Go(func() {
		if secured, ok := st.Conn.(*tls.Conn); ok && secured.Handshake() != nil {
			secured.Close()
			return
		}
		w.server.Serve(st)
	})
	return c.(*net.TCPConn)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// echoTCP and echoUDP start backends that send everything back.
func echoTCP(t testing.TB) string {
	return serveTCP(t, func(c *net.TCPConn) {
		b := make([]byte, 64)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			c.Write(b[:n])
		}
	})
}

func echoUDP(t testing.TB) string {
	return serveUDP(t, func(b []byte) []byte { return b })
}

// serveTCP starts a backend that serves each connection, which is closed then.
func serveTCP(t testing.TB, serve func(*net.TCPConn)) string {
	t.Helper()
	ln := listen(t)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			}()
		}
	}()
	return ln.Addr().String()
}

// serveUDP starts a backend that answers each datagram.
func serveUDP(t testing.TB, answer func([]byte) []byte) string {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			c.WriteToUDPAddrPort(answer(b[:n]), from)
		}
	}()
	return c.LocalAddr().String()
}

func dialUDP(t testing.TB, addr string) *net.UDPConn {
	t.Helper()
	c, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UDPConn)
}

// ask sends a datagram or a piece of a stream, and wants it back.
func ask(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if err := exchange(c, s); err != nil {
		t.Fatal(err)
	}
}

func exchange(c net.Conn, s string) error {
	if _, err := c.Write([]byte(s)); err != nil {
		return err
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, len(s))
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	if string(b) != s {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func eventually(t testing.TB, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); {
		if time.Now().After(deadline) {
			t.Fatal("it never came true")
		}
		time.Sleep(2 * time.Millisecond)
	}
}
