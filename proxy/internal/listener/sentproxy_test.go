package listener

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/proxyproto"
)

// headed is a listener whose connections begin with a PROXY protocol header.
// Their RemoteAddr is the header's source.
type headed struct {
	net.Listener
	mu      sync.Mutex
	headers []proxyproto.Header
}

// headedConn is what follows the header.
type headedConn struct {
	net.Conn
	r      *bufio.Reader
	source net.Addr
}

func (c *headedConn) Read(b []byte) (int, error) { return c.r.Read(b) }
func (c *headedConn) RemoteAddr() net.Addr       { return c.source }

func (l *headed) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		r := bufio.NewReader(nc)
		h, ok := readHeader(r)
		if !ok {
			nc.Close()
			continue
		}
		l.mu.Lock()
		l.headers = append(l.headers, h)
		l.mu.Unlock()
		return &headedConn{nc, r, net.TCPAddrFromAddrPort(h.Source)}, nil
	}
}

// readHeader takes a header off a connection, if there is one.
func readHeader(r *bufio.Reader) (proxyproto.Header, bool) {
	for n := 1; ; n++ {
		b, err := r.Peek(n)
		if err != nil {
			return proxyproto.Header{}, false
		}
		h, size, err := proxyproto.Parse(b)
		switch {
		case err == nil:
			r.Discard(size)
			return h, h.Source.IsValid()
		case !errors.Is(err, proxyproto.ErrIncomplete):
			return proxyproto.Header{}, false
		}
	}
}

func (l *headed) all() []proxyproto.Header {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.headers
}

// headedBackend starts a backend that expects a header before anything, and
// answers whom it was told of.
func (a *authority) headedBackend(t *testing.T, version proxyconfig.ProxyVersion, http2, secure bool) (*headed, proxyconfig.Backend) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, r.RemoteAddr)
	}))
	l := &headed{Listener: s.Listener}
	s.Listener = l
	b := a.serve(t, s, http2, secure)
	b.ProxyProtocol = version
	return l, b
}

// The header comes before everything, TLS included, and a connection that began
// with it never serves another client; what a request says of its client makes
// no difference.
func TestProxyHeaderToBackends(t *testing.T) {
	a := newAuthority(t, "a.example")
	onDrivers(t, func(t *testing.T, d Driver) {
		for _, version := range []proxyconfig.ProxyVersion{proxyconfig.ProxyV1, proxyconfig.ProxyV2} {
			for _, http2 := range []bool{false, true} {
				for _, secure := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, http2 %v, tls %v", version, http2, secure), func(t *testing.T) {
						l, b := a.headedBackend(t, version, http2, secure)
						config := to()
						config.Backends = []proxyconfig.Backend{b}
						p := start(t, settings{driver: d}, config)
						clients := []*rawConn{p.dial(), p.dial(), p.dial()}
						// In turns, so that each finds the connections of the others idle.
						for i := range 9 {
							c := clients[i%3]
							c.sendRaw("POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.66\r\nContent-Length: 2\r\n\r\nok")
							if resp, body := c.response("POST"); resp.StatusCode != 200 || body != c.LocalAddr().String() {
								t.Fatalf("request %d: got %d %q, want %v", i, resp.StatusCode, body, c.LocalAddr())
							}
						}
						headers := l.all()
						// One of HTTP/2 that has something to send takes no further stream.
						if len(headers) < len(clients) || !http2 && len(headers) > len(clients) {
							t.Errorf("%d connections for %d clients", len(headers), len(clients))
						}
						for _, h := range headers {
							if h.Destination.String() != p.addr() {
								t.Errorf("got destination %v, want %v", h.Destination, p.addr())
							}
						}
					})
				}
			}
		}
	})
}

// The streams of one client's HTTP/2 connection share one to the backend, which
// nobody else does.
func TestProxyHeaderOfHTTP2Clients(t *testing.T) {
	a := newAuthority(t, "a.example")
	onDrivers(t, func(t *testing.T, d Driver) {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprint("http2 ", http2), func(t *testing.T) {
				l, b := a.headedBackend(t, proxyconfig.ProxyV2, http2, true)
				p := start(t, settings{driver: d, certificates: a}, a.secured(b))
				seen := map[string]bool{}
				for range 2 {
					cl := a.client(t, true)
					var mine string
					for range 3 {
						_, body := fetch(t, cl, "GET", "https://"+p.addr()+"/", nil)
						if mine != "" && body != mine {
							t.Errorf("got %q after %q", body, mine)
						}
						mine = body
					}
					seen[mine] = true
				}
				told := map[string]bool{}
				for _, h := range l.all() {
					told[h.Source.String()] = true
				}
				if len(seen) != 2 || !maps.Equal(seen, told) {
					t.Errorf("%v were seen, %v were told of", seen, told)
				}
			})
		}
	})
}

// Connections that speak for a client end with it.
func TestProxyHeaderConnectionsEndWithTheClient(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		ended := make(chan bool, 1)
		addr := script(t, func(_ int, c *rawConn) {
			if _, ok := readHeader(c.r); !ok {
				t.Error("no header")
			}
			c.request()
			c.sendRaw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			_, err := c.r.ReadByte()
			ended <- err == io.EOF
		})
		config := to(addr)
		config.Backends[0].ProxyProtocol = proxyconfig.ProxyV1
		p := start(t, settings{driver: d}, config)
		c := p.dial()
		c.send("GET / HTTP/1.1", "Host: a")
		c.response("GET")
		select {
		case <-ended:
			t.Error("the connection ended before its client")
		default:
		}
		c.Close()
		if !<-ended {
			t.Error("the connection was broken off")
		}
	})
}

// The header names the client that the trusted hops have told of, and each
// client that comes by the same hop has connections of its own.
func TestProxyHeaderBehindTrustedHops(t *testing.T) {
	a := newAuthority(t, "a.example")
	onDrivers(t, func(t *testing.T, d Driver) {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprint("http2 ", http2), func(t *testing.T) {
				l, b := a.headedBackend(t, proxyconfig.ProxyV1, http2, false)
				config := to()
				config.Backends = []proxyconfig.Backend{b}
				p := start(t, settings{driver: d, trustedHops: 1}, config)
				c := p.dial()
				clients := []string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1"}
				for _, client := range clients {
					c.send("GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 192.0.2.66, "+client)
					want := netip.AddrPortFrom(netip.MustParseAddr(client), 0).String()
					if _, body := c.response("GET"); body != want {
						t.Errorf("got %q, want %q", body, want)
					}
				}
				var sources []string
				for _, h := range l.all() {
					sources = append(sources, h.Source.Addr().String())
				}
				if got := strings.Join(slices.Compact(sources), " "); got != "192.0.2.1 192.0.2.2 192.0.2.1 2001:db8::1" {
					t.Errorf("got connections for %s", got)
				}
			})
		}
	})
}

// What a trusted header in front has told is passed on, destination included.
func TestProxyHeaderIsPassedOn(t *testing.T) {
	a := newAuthority(t, "a.example")
	l, b := a.headedBackend(t, proxyconfig.ProxyV2, false, false)
	config := to()
	config.Backends = []proxyconfig.Backend{b}
	config.Listeners[0].ProxyProtocol = &proxyconfig.AcceptedProxyProtocol{TrustedSources: []string{"127.0.0.1/32"}}
	p := start(t, settings{}, config)
	c := p.dial()
	c.sendRaw("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, body := c.response("GET"); body != "192.0.2.1:1234" {
		t.Errorf("got %q", body)
	}
	if h := l.all()[0]; h.Destination.String() != "192.0.2.2:443" {
		t.Errorf("got destination %v", h.Destination)
	}
}
