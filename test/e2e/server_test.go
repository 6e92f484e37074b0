package e2e

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// server is what a test itself answers as a Service of its tenant.
type server struct {
	name string
	port int
	// protocol is the port's appProtocol, if any.
	protocol string
	// certificate has the server speak TLS.
	certificate *certificate
	handler     http.HandlerFunc
}

// serve listens on the node, where pods reach it, for HTTP/1.1 and HTTP/2 alike.
func (s *tenantSpace) serve(of server) {
	s.t.Helper()
	listener, err := cluster.Listen(s.t.Context(), "tcp", net.JoinHostPort(client.NodeIP, "0"))
	if err != nil {
		s.t.Fatal(err)
	}
	started := httptest.NewUnstartedServer(of.handler)
	started.Listener.Close()
	started.Listener = listener
	started.Config.Protocols = new(http.Protocols)
	started.Config.Protocols.SetHTTP1(true)
	started.Config.Protocols.SetUnencryptedHTTP2(true)
	if of.certificate == nil {
		started.Start()
	} else {
		pair, err := tls.X509KeyPair(of.certificate.chain, of.certificate.key)
		if err != nil {
			s.t.Fatal(err)
		}
		started.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		started.StartTLS()
	}
	s.t.Cleanup(started.Close)
	s.apply("server", map[string]any{
		"Name": of.name, "Port": of.port, "Protocol": of.protocol,
		"Address": client.NodeIP, "Target": listener.Addr().(*net.TCPAddr).Port,
	})
}
