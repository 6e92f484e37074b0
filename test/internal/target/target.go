package target

import (
	"crypto/tls"
	"flag"
	"fmt"
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/test/internal/edge"
)

var against = flag.String("against", "fleetgate", "proxy under test: fleetgate, go (Go's own reverse proxy) or haproxy")

// The names that the proxy under test has certificates for. Each has a listener
// of its own on the TLS port; other names belong to a listener for any host.
const (
	HostA = "a.example"
	HostB = "b.example"
)

// Backend is what the proxy forwards to. The address is IP and port.
type Backend struct {
	Address string
	// H2C says that the backend speaks HTTP/2 without TLS, with prior knowledge.
	H2C bool
}

func (b Backend) protocol() string {
	if b.H2C {
		return "h2"
	}
	return "http"
}

// Proxy is a running proxy. The test that started it ends it.
type Proxy struct {
	// Plain and TLS are the addresses of its two ports.
	Plain, TLS string

	pid         int
	certificate edge.Certificate
	shipped     *edge.Proxy
	config      *proxyconfig.Config
}

// Start starts the proxy that -against names. A second backend, when there is
// one, has the requests for HostB to itself.
func Start(t testing.TB, b Backend, forHostB ...Backend) *Proxy {
	t.Helper()
	backends := append([]Backend{b}, forHostB...)
	certificate := edge.NewCertificate(t, "ab", HostA, HostB)
	switch *against {
	case "fleetgate":
		return startShipped(t, backends, certificate)
	case "go", "haproxy":
		return startPeer(t, *against, backends, certificate)
	}
	t.Fatalf("-against: unknown proxy %q", *against)
	return nil
}

// Shipped says whether the proxy is Fleetgate's, and not a peer that stands in
// for it.
func (p *Proxy) Shipped() bool { return p.shipped != nil }

// ClientTLS is a client's configuration that trusts the proxy and asks for a
// name.
func (p *Proxy) ClientTLS(name string) *tls.Config {
	return &tls.Config{RootCAs: p.certificate.Pool(), ServerName: name}
}

// Reload changes a part of the configuration that serves no request of the
// test. A peer has no such reload, and nothing happens.
func (p *Proxy) Reload() {
	if p.shipped == nil {
		return
	}
	unrelated := p.config.Routes[0]
	unrelated.Name = fmt.Sprintf("%s-%d", unrelated.Name, len(p.config.Routes))
	unrelated.Attachments = []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{unrelated.Name + ".example"}}}
	p.config.Routes = append(p.config.Routes, unrelated)
	p.shipped.Reload(p.config, p.certificate)
}
