package l4

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// selfSigned is a certificate that is its own authority, and that as PEM.
func selfSigned(t *testing.T, name string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(bundle)
}

// secureBackend answers the bytes of one connection in upper case, and then ends
// it; the header, if there is to be one, comes before the handshake. What it saw
// is in the channels once the connection has ended.
type secureBackend struct {
	addr   string
	header chan string
	states chan tls.ConnectionState
}

func newSecureBackend(t *testing.T, cert tls.Certificate, header int) *secureBackend {
	ln := listen(t)
	b := &secureBackend{addr: ln.Addr().String(), header: make(chan string, 8), states: make(chan tls.ConnectionState, 8)}
	serve := func(nc net.Conn) {
		defer nc.Close()
		first := make([]byte, header)
		if _, err := io.ReadFull(nc, first); err != nil {
			return
		}
		b.header <- string(first)
		c := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{cert}})
		if c.Handshake() != nil {
			return
		}
		got, err := io.ReadAll(c)
		if err != nil {
			return
		}
		io.WriteString(c, strings.ToUpper(string(got)))
		c.CloseWrite()
		b.states <- c.ConnectionState()
	}
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(nc)
		}
	}()
	return b
}

func (b *secureBackend) config(policy *proxyconfig.BackendTLS) proxyconfig.Backend {
	ap := netip.MustParseAddrPort(b.addr)
	return proxyconfig.Backend{
		ID: "b", Namespace: "ns", Service: "b", Port: 1, Protocol: proxyconfig.BackendTCP, TLS: policy,
		Endpoints: []proxyconfig.Endpoint{{Address: ap.Addr().String(), Port: int32(ap.Port())}},
	}
}

// What the proxy takes in plaintext leaves it encrypted, to whom the policy says
// and to nobody else, in both directions to their ends.
func TestBackendIsReachedByTLS(t *testing.T) {
	red, redBundle := selfSigned(t, "pay.internal")
	_, blueBundle := selfSigned(t, "pay.internal")
	for _, test := range []struct {
		name   string
		policy proxyconfig.BackendTLS
		want   bool
	}{
		{"trusted", proxyconfig.BackendTLS{ServerName: "pay.internal", CACertificates: redBundle}, true},
		{"another authority", proxyconfig.BackendTLS{ServerName: "pay.internal", CACertificates: blueBundle}, false},
		{"another name", proxyconfig.BackendTLS{ServerName: "other.internal", CACertificates: redBundle}, false},
		{"an alternative name", proxyconfig.BackendTLS{ServerName: "other.internal", CACertificates: redBundle,
			SubjectAltNames: []proxyconfig.SubjectAltName{{Hostname: "pay.internal"}}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			backend := newSecureBackend(t, red, 0)
			w := newWorldOf(t, Options{}, proxyconfig.TCP, backend.config(&test.policy))
			var serving sync.WaitGroup
			c := w.connect(listen(t), &serving)
			got, err := say(c, "hello")
			serving.Wait()
			if ok := err == nil && got == "HELLO"; ok != test.want {
				t.Fatalf("got %q, %v", got, err)
			}
			d := w.reports()[0]
			if !test.want {
				if d.Flags&probe.FlagUpstreamFailed == 0 || d.RequestBytes != 0 {
					t.Errorf("told of flags %b and %d bytes", d.Flags, d.RequestBytes)
				}
				return
			}
			if d.Flags != 0 || d.RequestBytes != 5 || d.ResponseBytes != 5 {
				t.Errorf("told of flags %b, %d and %d bytes", d.Flags, d.RequestBytes, d.ResponseBytes)
			}
			if state := <-backend.states; state.ServerName != test.policy.ServerName || state.NegotiatedProtocol != "" {
				t.Errorf("the backend saw server name %q, protocol %q", state.ServerName, state.NegotiatedProtocol)
			}
		})
	}
}

// say sends all of s, and returns all that comes back.
func say(c *net.TCPConn, s string) (string, error) {
	if _, err := io.WriteString(c, s); err != nil {
		return "", err
	}
	_ = c.CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	b, err := io.ReadAll(c)
	return string(b), err
}

// The header is for whoever takes connections in front of TLS.
func TestHeaderComesBeforeTheHandshake(t *testing.T) {
	cert, bundle := selfSigned(t, "pay.internal")
	source, destination := netip.MustParseAddrPort("192.0.2.1:1000"), netip.MustParseAddrPort("192.0.2.2:443")
	want := "PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n"
	backend := newSecureBackend(t, cert, len(want))
	config := backend.config(&proxyconfig.BackendTLS{ServerName: "pay.internal", CACertificates: bundle})
	config.ProxyProtocol = proxyconfig.ProxyV1
	w := newWorldOf(t, Options{}, proxyconfig.TCP, config)
	var serving sync.WaitGroup
	c := w.serve(listen(t), &serving, func(st *Stream) { st.Source, st.Destination = source, destination })
	if got, err := say(c, "hello"); err != nil || got != "HELLO" {
		t.Errorf("got %q, %v", got, err)
	}
	serving.Wait()
	if got := <-backend.header; got != want {
		t.Errorf("got header %q, want %q", got, want)
	}
	if d := w.reports()[0]; d.RequestBytes != 5 {
		t.Errorf("told of %d bytes", d.RequestBytes)
	}
}

// A backend whose TLS cannot be used is not reached at all, but by a client that
// brings its own.
func TestPassthroughHasItsOwnTLS(t *testing.T) {
	cert, bundle := selfSigned(t, "pay.internal")
	for _, policy := range []proxyconfig.BackendTLS{
		{ServerName: "pay.internal", CACertificates: bundle},
		{Invalid: "the policy is not valid"},
	} {
		backend := newSecureBackend(t, cert, 0)
		w := newWorldOf(t, Options{}, proxyconfig.TCP, backend.config(&policy))
		var serving sync.WaitGroup
		ln := listen(t)
		c := w.serve(ln, &serving, func(st *Stream) { st.Passthrough = true })
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(bundle))
		secured := tls.Client(c, &tls.Config{ServerName: "pay.internal", RootCAs: roots})
		if err := secured.Handshake(); err != nil {
			t.Fatal(err)
		}
		io.WriteString(secured, "hello")
		secured.CloseWrite()
		if got, err := io.ReadAll(secured); err != nil || string(got) != "HELLO" {
			t.Errorf("got %q, %v", got, err)
		}
		secured.Close()
		serving.Wait()
		if policy.Invalid == "" {
			continue
		}
		if got, err := say(w.connect(ln, &serving), "hello"); err == nil {
			t.Errorf("an invalid policy: got %q in plaintext", got)
		}
		serving.Wait()
	}
}
