package target

import (
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// startShipped starts Fleetgate's proxy with its defaults.
func startShipped(t testing.TB, b Backend, certificate edge.Certificate) *Proxy {
	t.Helper()
	c := config(b, certificate, edge.FreePort(t))
	shipped := edge.Start(t, edge.Options{Config: c, Certificates: []edge.Certificate{certificate}})
	return &Proxy{
		Plain: shipped.Addr("http"), TLS: shipped.Addr("https"),
		pid: shipped.PID(), certificate: certificate, shipped: shipped, config: c,
	}
}

// config has a listener for any host on the plaintext port, and three that
// share the TLS port.
func config(b Backend, certificate edge.Certificate, tlsPort int32) *proxyconfig.Config {
	c := edge.To(b.Address)
	c.Backends[0].Protocol = b.protocol()
	for _, l := range []struct{ name, hostname string }{{"https", ""}, {"https-a", HostA}, {"https-b", HostB}} {
		c.Listeners = append(c.Listeners, proxyconfig.Listener{
			Name: l.name, Port: tlsPort, Protocol: proxyconfig.HTTPS, Hostname: l.hostname,
			Certificates: []proxyconfig.CertificateRef{certificate.Ref()},
		})
		c.Routes[0].Attachments = append(c.Routes[0].Attachments, proxyconfig.Attachment{
			Listener: l.name, Hostnames: []string{l.hostname},
		})
	}
	return c
}
