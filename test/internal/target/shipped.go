package target

import (
	"slices"
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// startShipped starts Fleetgate's proxy with its defaults.
func startShipped(t testing.TB, backends []Backend, certificate edge.Certificate) *Proxy {
	t.Helper()
	return start(t, config(backends, certificate, edge.FreePort(t)), certificate)
}

// StartValidating starts Fleetgate's proxy, whose TLS port lets in clients with a
// certificate of the authority alone.
func StartValidating(t testing.TB, b Backend, authority edge.Certificate) *Proxy {
	t.Helper()
	certificate := edge.NewCertificate(t, "ab", HostA, HostB)
	c := config([]Backend{b}, certificate, edge.FreePort(t))
	for i := range c.Listeners {
		if c.Listeners[i].Protocol == proxyconfig.HTTPS {
			c.Listeners[i].TLS = &proxyconfig.ListenerTLS{ClientValidation: &proxyconfig.ClientValidation{
				CACertificates: string(authority.CertPEM), Mode: proxyconfig.AllowValidOnly,
			}}
		}
	}
	return start(t, c, certificate)
}

func start(t testing.TB, c *proxyconfig.Config, certificate edge.Certificate) *Proxy {
	t.Helper()
	shipped := edge.Start(t, edge.Options{Config: c, Certificates: []edge.Certificate{certificate}})
	return &Proxy{
		Plain: shipped.Addr("http"), TLS: shipped.Addr("https"),
		pid: shipped.PID(), certificate: certificate, shipped: shipped, config: c,
	}
}

// config has a listener for any host on the plaintext port, and three that
// share the TLS port.
func config(backends []Backend, certificate edge.Certificate, tlsPort int32) *proxyconfig.Config {
	c := edge.To(backends[0].Address)
	c.Backends[0].Protocol = backends[0].protocol()
	for _, l := range []struct{ name, hostname string }{{"https", ""}, {"https-a", HostA}, {"https-b", HostB}} {
		c.Listeners = append(c.Listeners, proxyconfig.Listener{
			Name: l.name, Port: tlsPort, Protocol: proxyconfig.HTTPS, Hostname: l.hostname,
			Certificates: []proxyconfig.CertificateRef{certificate.Ref()},
		})
		c.Routes[0].Attachments = append(c.Routes[0].Attachments, proxyconfig.Attachment{
			Listener: l.name, Hostnames: []string{l.hostname},
		})
	}
	if len(backends) > 1 {
		addHostB(c, backends[1])
	}
	return c
}

// addHostB routes the requests for HostB to a backend of their own: the route
// of all others leaves the listener, where it would win by its name.
func addHostB(c *proxyconfig.Config, b Backend) {
	all := &c.Routes[0]
	all.Attachments = slices.DeleteFunc(all.Attachments, func(a proxyconfig.Attachment) bool { return a.Listener == "https-b" })
	other := edge.To(b.Address)
	backend, route := other.Backends[0], other.Routes[0]
	backend.ID, backend.Service, backend.Protocol = "edge/b:80", "b", b.protocol()
	route.Name = "b"
	route.Rules[0].Backends[0].Backend = backend.ID
	route.Attachments = []proxyconfig.Attachment{
		{Listener: "http", Hostnames: []string{HostB}},
		{Listener: "https-b", Hostnames: []string{HostB}},
	}
	c.Backends, c.Routes = append(c.Backends, backend), append(c.Routes, route)
}
