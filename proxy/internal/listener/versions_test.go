package listener

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/internal/selfsigned"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// authority is a certificate that signs itself, for one name.
type authority struct {
	pair snapshot.KeyPair
	cert tls.Certificate
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	certificate, private := selfsigned.Pair(t, &x509.Certificate{
		DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	})
	a := &authority{pair: snapshot.KeyPair{Certificate: certificate, Key: private}}
	var err error
	if a.cert, err = tls.X509KeyPair(a.pair.Certificate, a.pair.Key); err != nil {
		t.Fatal(err)
	}
	return a
}

// Find implements snapshot.Certificates.
func (a *authority) Find(proxyconfig.CertificateRef) (snapshot.KeyPair, bool) { return a.pair, true }

func (a *authority) ref() proxyconfig.CertificateRef {
	return proxyconfig.CertificateRef{Key: "a", SHA256: a.pair.Hash()}
}

// client trusts the authority, and speaks HTTP/1.1 or HTTP/2.
func (a *authority) client(t *testing.T, http2 bool) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert.Leaf)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "a.example"}, Protocols: protocols}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// backend starts a backend of one protocol, by TLS or not, that says what it
// was spoken to by and how much it was sent.
func (a *authority) backend(t *testing.T, http2, secure bool) proxyconfig.Backend {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d", r.Proto, r.Header.Get("X-Forwarded-Proto"), len(b))
	}))
	return a.serve(t, s, http2, secure)
}

// serve starts a server that speaks one protocol, by TLS or not, and returns how
// it is a backend.
func (a *authority) serve(t *testing.T, s *httptest.Server, http2, secure bool) proxyconfig.Backend {
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(!http2)
	s.Config.Protocols.SetHTTP2(http2 && secure)
	s.Config.Protocols.SetUnencryptedHTTP2(http2 && !secure)
	if secure {
		s.TLS = &tls.Config{Certificates: []tls.Certificate{a.cert}}
		s.EnableHTTP2 = http2
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	b := backendAt("b", s.Listener.Addr().String())
	if http2 {
		b.Protocol = proxyconfig.BackendHTTP2
	}
	if secure {
		b.TLS = &proxyconfig.BackendTLS{ServerName: "a.example", CACertificates: string(a.pair.Certificate)}
	}
	return b
}

// secured is a configuration that serves a backend by TLS.
func (a *authority) secured(b proxyconfig.Backend) *proxyconfig.Config {
	c := to()
	c.Listeners[0].Protocol = proxyconfig.HTTPS
	c.Listeners[0].Certificates = []proxyconfig.CertificateRef{a.ref()}
	c.Backends = []proxyconfig.Backend{b}
	return c
}

// Each version of HTTP goes to each, by TLS on both sides or on one.
func TestTLSAndVersions(t *testing.T) {
	a := newAuthority(t, "a.example")
	onDrivers(t, func(t *testing.T, d Driver) {
		for _, client := range []bool{false, true} {
			for _, backend := range []bool{false, true} {
				for _, secure := range []bool{false, true} {
					t.Run(fmt.Sprintf("client http2 %v, backend http2 %v tls %v", client, backend, secure), func(t *testing.T) {
						p := start(t, settings{driver: d, certificates: a}, a.secured(a.backend(t, backend, secure)))
						cl := a.client(t, client)
						version := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}
						for _, n := range []int{0, 3, 1 << 20} {
							resp, body := fetch(t, cl, "POST", "https://"+p.addr()+"/", strings.NewReader(strings.Repeat("x", n)))
							if want := fmt.Sprintf("%s https %d", version[backend], n); resp.StatusCode != 200 || body != want || resp.Proto != version[client] {
								t.Errorf("got %s %d %q, want %q", resp.Proto, resp.StatusCode, body, want)
							}
						}
					})
				}
			}
		}
	})
}

// A backend that cannot be verified gets no request.
func TestBackendIsVerified(t *testing.T) {
	a, other := newAuthority(t, "a.example"), newAuthority(t, "a.example")
	onDrivers(t, func(t *testing.T, d Driver) {
		b := a.backend(t, false, true)
		b.TLS.CACertificates = string(other.pair.Certificate)
		p := start(t, settings{driver: d, certificates: a}, a.secured(b))
		if resp, body := fetch(t, a.client(t, false), "GET", "https://"+p.addr()+"/", nil); resp.StatusCode != 502 {
			t.Errorf("got %d %q", resp.StatusCode, body)
		}
	})
}

func TestPlaintextOnTLS(t *testing.T) {
	a := newAuthority(t, "a.example")
	p := start(t, settings{certificates: a}, a.secured(a.backend(t, false, false)))
	c := p.dial()
	c.sendRaw("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp, _ := c.response("GET"); resp.StatusCode != 400 {
		t.Errorf("plaintext got %d", resp.StatusCode)
	}
	c.wantEnd()
}
