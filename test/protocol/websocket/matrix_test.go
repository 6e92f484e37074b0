package websocket

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/test/internal/edge"
	"github.com/fleetgate/fleetgate/test/protocol/install"
	"github.com/fleetgate/fleetgate/test/protocol/peer"
)

func TestMain(m *testing.M) { edge.Main(m) }

// patience bounds a client's whole work.
const patience = 90 * time.Second

// nodeVersion is that of the npm package ws.
const nodeVersion = "8.23.0"

// library is one maker's client and server.
type library struct {
	name string
	// handler and client are those of a Go library. The client believes whom trust
	// has.
	handler http.HandlerFunc
	client  func(url string, trust *tls.Config, compress bool) error
	// command runs a script, before its arguments.
	command []string
}

var libraries = []library{
	{name: "gorilla", handler: gorillaServer, client: gorillaClient},
	{name: "coder", handler: coderServer, client: coderClient},
	{name: "gobwas", handler: gobwasServer, client: gobwasClient},
	{name: "websockets", command: []string{install.Python, "script/websockets_peer.py"}},
	{name: "autobahn", command: []string{install.Python, "script/autobahn_peer.py"}},
	{name: "ws", command: []string{"node", "script/ws_peer.js"}},
}

// overHTTP2 is a client of HTTP/2, which is spoken by TLS alone.
var overHTTP2 = library{name: "http2", client: http2Client}

func prepare(t *testing.T) {
	t.Helper()
	install.Programs(t, map[string]string{"node": "nodejs", "npm": "npm", install.Python: "python3"})
	install.PythonModules(t, map[string]string{"websockets": "python3-websockets", "autobahn": "python3-autobahn"})
	t.Setenv("NODE_PATH", install.Node(t, "ws", nodeVersion)+"/node_modules")
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
}

// serve starts the library's server.
func (l *library) serve(t *testing.T) (addr string) {
	t.Helper()
	if l.handler != nil {
		s := httptest.NewServer(l.handler)
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	addr = peer.FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	peer.Run(t, addr, append(l.command, "server", port)...)
	return addr
}

// compressions are those that a client offers, one after the other.
type compressions []string

var (
	withAndWithout = compressions{"plain", "deflate"}
	withAlone      = compressions{"deflate"}
)

// talk runs the library's client.
func (l *library) talk(url string, trust *tls.Config, c compressions) error {
	if l.client != nil {
		for _, compression := range c {
			if err := l.client(url, trust.Clone(), compression == "deflate"); err != nil {
				return fmt.Errorf("%s: %w", compression, err)
			}
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.command[0], slices.Concat(l.command[1:], []string{"client", url}, c)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// matrix is a proxy that has all servers behind it, each at the path of its name,
// and by TLS at that with "-tls" behind it.
type matrix struct {
	proxy *edge.Proxy
	trust *tls.Config
	taps  map[string]*tap
}

const secured = "-tls"

func startMatrix(t *testing.T) *matrix {
	t.Helper()
	cert := edge.NewCertificate(t, "a", "localhost")
	pair, err := tls.X509KeyPair(cert.CertPEM, cert.Private)
	if err != nil {
		t.Fatal(err)
	}
	authorities := filepath.Join(t.TempDir(), "authorities.pem")
	if err := os.WriteFile(authorities, cert.CertPEM, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", authorities)
	t.Setenv("NODE_EXTRA_CA_CERTS", authorities)
	m := &matrix{trust: &tls.Config{RootCAs: cert.Pool()}, taps: map[string]*tap{}}
	c := front(cert)
	for _, l := range libraries {
		server := l.serve(t)
		for name, config := range map[string]*tls.Config{l.name: nil, l.name + secured: {Certificates: []tls.Certificate{pair}}} {
			p, addr := startTap(t, server, config)
			m.taps[name] = p
			lead(c, name, addr)
			if config != nil {
				c.Backends[len(c.Backends)-1].TLS = &proxyconfig.BackendTLS{ServerName: "localhost", CACertificates: string(cert.CertPEM)}
			}
		}
	}
	m.proxy = edge.Start(t, edge.Options{Config: c, Certificates: []edge.Certificate{cert}})
	return m
}

// front is a configuration with a listener for each scheme, and no backends.
func front(cert edge.Certificate) *proxyconfig.Config {
	c := edge.To()
	c.Backends, c.Routes[0].Rules = nil, nil
	c.Listeners = append(c.Listeners, proxyconfig.Listener{
		Name: "https", Protocol: proxyconfig.HTTPS, Certificates: []proxyconfig.CertificateRef{cert.Ref()}})
	c.Routes[0].Attachments = append(c.Routes[0].Attachments, proxyconfig.Attachment{Listener: "https", Hostnames: []string{""}})
	return c
}

// lead has the path /<name> lead to a backend.
func lead(c *proxyconfig.Config, name, addr string) {
	at := netip.MustParseAddrPort(addr)
	b := proxyconfig.Backend{
		ID: "edge/" + name + ":80", Namespace: "edge", Service: name, Port: 80, Protocol: "http",
		Endpoints: []proxyconfig.Endpoint{{Address: at.Addr().String(), Port: int32(at.Port())}},
	}
	c.Backends = append(c.Backends, b)
	c.Routes[0].Rules = append(c.Routes[0].Rules, proxyconfig.Rule{
		Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/" + name}}},
		Backends: []proxyconfig.BackendRef{{Backend: b.ID, Weight: 1}},
	})
}

// url is where a client finds a server.
func (m *matrix) url(scheme, server, client string) string {
	addr := m.proxy.Addr("http")
	if scheme == "wss" {
		addr = m.proxy.Addr("https")
	}
	// The certificate is for the name.
	_, port, _ := net.SplitHostPort(addr)
	return scheme + "://localhost:" + port + "/" + server + "/" + client
}

func TestMatrix(t *testing.T) {
	prepare(t)
	m := startMatrix(t)
	// All pairs are done before the servers end.
	t.Run("pairs", func(t *testing.T) {
		for _, client := range slices.Concat(libraries, []library{overHTTP2}) {
			for _, server := range libraries {
				t.Run(client.name+"-"+server.name, func(t *testing.T) {
					t.Parallel()
					for _, leg := range legs(client, server) {
						if err := client.talk(m.url(leg.scheme, server.name+leg.behind, client.name), m.trust, leg.compressions); err != nil {
							t.Errorf("by %s to %s: %v", leg.scheme, server.name+leg.behind, err)
							continue
						}
						m.taps[server.name+leg.behind].wantCompression(t, "/"+server.name+leg.behind+"/"+client.name)
					}
				})
			}
		}
	})
}

// leg is a way from a client to a server.
type leg struct {
	scheme, behind string
	compressions
}

// legs are the ways that a pair goes: without TLS and with TLS on both sides, and
// those of one maker by the others, too.
func legs(client, server library) []leg {
	if client.name == overHTTP2.name {
		return []leg{{"wss", "", withAndWithout}, {"wss", secured, withAlone}}
	}
	all := []leg{{"ws", "", withAndWithout}, {"wss", secured, withAlone}}
	if client.name == server.name {
		all = append(all, leg{"ws", secured, withAlone}, leg{"wss", "", withAlone})
	}
	return all
}

// wantCompression wants the last talk of a client to have been compressed both
// ways.
func (p *tap) wantCompression(t *testing.T, target string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got, ended := p.take(target); ended {
			if !got.agreed || got.sent == 0 || got.received == 0 {
				t.Errorf("%s: the messages were not compressed: %+v", target, got)
			}
			return
		}
	}
	t.Errorf("%s: the connection to the server has not ended", target)
}

// take returns the talk of a client that has ended, and forgets it.
func (p *tap) take(target string) (got talk, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	got, ended = p.talks[target]
	delete(p.talks, target)
	return got, ended
}
