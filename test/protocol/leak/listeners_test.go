package leak

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/test/internal/edge"
)

const host = "a.example"

// startAll runs a proxy that has a listener of each kind, and returns the address
// of one of them.
func startAll(t *testing.T, listener string) (p *edge.Proxy, addr string) {
	t.Helper()
	cert := edge.NewCertificate(t, "a", host)
	c := edge.To(backend(t))
	attach(c, proxyconfig.Listener{Name: "https", Protocol: proxyconfig.HTTPS, Certificates: []proxyconfig.CertificateRef{cert.Ref()}})
	attach(c, proxyconfig.Listener{Name: "proxied", Protocol: proxyconfig.HTTP,
		ProxyProtocol: &proxyconfig.AcceptedProxyProtocol{TrustedSources: []string{"127.0.0.0/8"}}})
	below(c, proxyconfig.TLSRoute, secureEcho(t, cert), proxyconfig.Listener{
		Name: "passthrough", Protocol: proxyconfig.TLS, TLSMode: proxyconfig.TLSPassthrough, Hostname: host})
	below(c, proxyconfig.TCPRoute, echo(t, listen(t)), proxyconfig.Listener{Name: "tcp", Protocol: proxyconfig.TCP})
	// Sessions end by their time alone.
	below(c, proxyconfig.UDPRoute, datagramEcho(t), proxyconfig.Listener{
		Name: "udp", Protocol: proxyconfig.UDP, Sessions: &proxyconfig.SessionLimits{IdleMillis: 100}})
	for _, b := range badBackends {
		lead(c, b.path, b.start(t))
	}
	p = edge.Start(t, edge.Options{Config: c, Certificates: []edge.Certificate{cert}})
	if addr = p.Addr(listener); listener == "udp" {
		addr = "udp://" + addr
	}
	return p, addr
}

// attach adds a listener for the requests of the first route.
func attach(c *proxyconfig.Config, l proxyconfig.Listener) {
	c.Listeners = append(c.Listeners, l)
	c.Routes[0].Attachments = append(c.Routes[0].Attachments, proxyconfig.Attachment{Listener: l.Name, Hostnames: []string{l.Hostname}})
}

// below adds a listener below HTTP with all that it forwards to.
func below(c *proxyconfig.Config, kind, backend string, l proxyconfig.Listener) {
	protocol := proxyconfig.BackendTCP
	if kind == proxyconfig.UDPRoute {
		protocol = proxyconfig.BackendUDP
	}
	c.Listeners = append(c.Listeners, l)
	c.Routes = append(c.Routes, proxyconfig.Route{
		Kind: kind, Namespace: "edge", Name: l.Name,
		Attachments: []proxyconfig.Attachment{{Listener: l.Name, Hostnames: []string{l.Hostname}}},
		Rules:       []proxyconfig.Rule{{Backends: []proxyconfig.BackendRef{{Backend: add(c, l.Name, protocol, backend), Weight: 1}}}},
	})
}

// lead has the requests for a path go to a backend that is never ejected: by TLS,
// if the path says so.
func lead(c *proxyconfig.Config, path, backend string) {
	id := add(c, path[1:], proxyconfig.BackendHTTP1, backend)
	b := &c.Backends[len(c.Backends)-1]
	b.Policy = &proxyconfig.Policy{Ejection: &proxyconfig.Ejection{Disabled: true}}
	if path == handshakePath {
		b.TLS = &proxyconfig.BackendTLS{ServerName: host, SystemCAs: true}
	}
	c.Routes[0].Rules = append(c.Routes[0].Rules, proxyconfig.Rule{
		Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: path}}},
		Backends: []proxyconfig.BackendRef{{Backend: id, Weight: 1}},
	})
}

// add adds a backend and returns its ID.
func add(c *proxyconfig.Config, name, protocol, addr string) string {
	at := netip.MustParseAddrPort(addr)
	b := proxyconfig.Backend{
		ID: "edge/" + name + ":80", Namespace: "edge", Service: name, Port: 80, Protocol: protocol,
		Endpoints: []proxyconfig.Endpoint{{Address: at.Addr().String(), Port: int32(at.Port())}},
	}
	c.Backends = append(c.Backends, b)
	return b.ID
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// serve has each connection of a listener served, and then closed.
func serve(ln net.Listener, f func(net.Conn)) (addr string) {
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				f(c)
			}()
		}
	}()
	return ln.Addr().String()
}

func echo(_ *testing.T, ln net.Listener) string {
	return serve(ln, func(c net.Conn) { io.Copy(c, c) })
}

func secureEcho(t *testing.T, cert edge.Certificate) string {
	t.Helper()
	pair, err := tls.X509KeyPair(cert.CertPEM, cert.Private)
	if err != nil {
		t.Fatal(err)
	}
	return echo(t, tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{pair}}))
}

func datagramEcho(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		for b := make([]byte, 2048); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(b[:n], from)
		}
	}()
	return c.LocalAddr().String()
}
