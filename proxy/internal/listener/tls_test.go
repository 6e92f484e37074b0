package listener

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// pairs are certificates by key; each is for the name that is its key.
type pairs map[string]snapshot.KeyPair

func (p pairs) Find(ref proxyconfig.CertificateRef) (snapshot.KeyPair, bool) {
	pair, ok := p[ref.Key]
	return pair, ok
}

func (p pairs) refs(name string) []proxyconfig.CertificateRef {
	pair := p[name]
	return []proxyconfig.CertificateRef{{Key: name, SHA256: pair.Hash()}}
}

func newPairs(t *testing.T, names ...string) pairs {
	t.Helper()
	p := pairs{}
	for _, name := range names {
		p[name] = newAuthority(t, name).pair
	}
	return p
}

// secured starts a backend that ends TLS itself, says its name and echoes.
func secured(t *testing.T, p pairs, name string) string {
	pair := p[name]
	cert, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return script(t, func(_ int, c *rawConn) {
		tc := tls.Server(c.TCPConn, &tls.Config{Certificates: []tls.Certificate{cert}})
		defer tc.Close()
		io.WriteString(tc, "backend "+name+": ")
		io.Copy(tc, tc)
	})
}

// mixed is a proxy with one port on which some names pass through, one is ended
// before TCP, and one serves requests.
func mixed(t *testing.T) *proxy {
	t.Helper()
	return mixedWithin(t, overload.Limits{})
}

// mixedWithin is the same with limits to its connections.
func mixedWithin(t *testing.T, limits overload.Limits) *proxy {
	t.Helper()
	p := newPairs(t, "a.pass", "b.pass", "raw", "web")
	_, web := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "web") })
	tcp := func(name, addr string) proxyconfig.Backend {
		b := backendAt(name, addr)
		b.Protocol = proxyconfig.BackendTCP
		return b
	}
	c := &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{
			{Name: "pass", Protocol: proxyconfig.TLS, TLSMode: proxyconfig.TLSPassthrough, Hostname: "*.pass"},
			{Name: "raw", Protocol: proxyconfig.TLS, TLSMode: proxyconfig.TLSTerminate, Hostname: "raw", Certificates: p.refs("raw")},
			{Name: "http", Protocol: proxyconfig.HTTPS, Hostname: "web", Certificates: p.refs("web")},
		},
		Routes: []proxyconfig.Route{
			l4Route("TLSRoute", "a", "pass", "a.pass", "a"),
			l4Route("TLSRoute", "b", "pass", "*.pass", "b"),
			l4Route("TLSRoute", "raw", "raw", "raw", "raw"),
			route("web", rule("/", ref("web"))),
		},
		Backends: []proxyconfig.Backend{
			tcp("a", secured(t, p, "a.pass")), tcp("b", secured(t, p, "b.pass")),
			tcp("raw", script(t, echo)), backendAt("web", web),
		},
	}
	// Nobody has this name: the proxy must not do TLS where the client does.
	c.Backends[0].TLS = &proxyconfig.BackendTLS{ServerName: "nobody", SystemCAs: true}
	return start(t, settings{certificates: p, connections: limits}, c)
}

// cutting is a connection that writes its first message in pieces: TLS records
// of so many bytes, sent in segments of so many.
type cutting struct {
	*net.TCPConn
	record, segment int
	begun           bool
}

func (c *cutting) Write(b []byte) (int, error) {
	if c.begun || c.record == 0 {
		return c.TCPConn.Write(b)
	}
	c.begun = true
	c.SetNoDelay(true)
	var cut []byte
	for chunk := range slices.Chunk(b[5:], c.record) {
		cut = append(cut, b[:3]...)
		cut = binary.BigEndian.AppendUint16(cut, uint16(len(chunk)))
		cut = append(cut, chunk...)
	}
	for piece := range slices.Chunk(cut, c.segment) {
		if _, err := c.TCPConn.Write(piece); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// greet does a handshake for a name and returns whose certificate was seen and
// what answered.
func (p *proxy) greet(name string, record, segment int) (string, error) {
	c := tls.Client(&cutting{TCPConn: p.dial().TCPConn, record: record, segment: segment},
		&tls.Config{ServerName: name, InsecureSkipVerify: true})
	defer c.Close()
	if err := c.Handshake(); err != nil {
		return "", err
	}
	seen := c.ConnectionState().PeerCertificates[0].DNSNames[0]
	if name == "web" {
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return seen, err
		}
		b, err := io.ReadAll(resp.Body)
		return seen + " " + string(b), err
	}
	io.WriteString(c, "hello")
	c.CloseWrite()
	b, err := io.ReadAll(c)
	return seen + " " + string(b), err
}

func TestMixedPort(t *testing.T) {
	p := mixed(t)
	for name, want := range map[string]string{
		"a.pass": "a.pass backend a.pass: hello",
		"x.pass": "b.pass backend b.pass: hello",
		"raw":    "raw hello bye",
		"web":    "web web",
	} {
		// A hello in pieces is still the same hello: it must never end up with
		// another listener.
		for _, cut := range [][2]int{{0, 0}, {16384, 1}, {16384, 700}, {1, 1400}, {1, 1}, {100, 3}} {
			if got, err := p.greet(name, cut[0], cut[1]); got != want || err != nil {
				t.Errorf("%s in pieces of %v: got %q, %v, want %q", name, cut, got, err, want)
			}
		}
	}
	for _, name := range []string{"other", "pass", ""} {
		if _, err := p.greet(name, 0, 0); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
			t.Errorf("%q: got %v", name, err)
		}
	}
	eventually(t, func() bool { return p.set.connections() == 0 && p.set.Stats()[4].Refused == 3 })
}

func TestWhatIsNoHelloIsClosed(t *testing.T) {
	p := mixed(t)
	for _, sent := range []string{"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00\x00", "\x16\x03\x01\x00\x01\x02"} {
		c := p.dial()
		c.sendRaw(sent)
		if b, _ := io.ReadAll(c.r); len(b) > 0 {
			t.Errorf("%q was answered %q", sent, b)
		}
	}
}

// Slow hellos do not keep others out: when there are too many of them, the
// oldest has to go.
func TestSlowHellos(t *testing.T) {
	p := mixedWithin(t, overload.Limits{Handshakes: 3 * helloShare})
	var slow []*rawConn
	for i := range 3 {
		c := p.dial()
		c.sendRaw("\x16\x03\x01")
		slow = append(slow, c)
		eventually(t, func() bool { return p.set.other.room.Size() == i+1 })
	}
	if got, err := p.greet("raw", 0, 0); got != "raw hello bye" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := slow[0].Read(make([]byte, 1)); err == nil {
		t.Error("the oldest stayed")
	}
	slow[1].SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := slow[1].Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the second got %v", err)
	}
	p.set.Close()
	slow[2].SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := slow[2].Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the last got %v", err)
	}
}
