package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// serve has the test itself answer what is sent to a Service of the tenant. It
// listens on the node, where pods reach it.
func (s *tenantSpace) serve(name string, port int, handler http.HandlerFunc) {
	s.t.Helper()
	listener, err := cluster.Listen(s.t.Context(), "tcp", net.JoinHostPort(client.NodeIP, "0"))
	if err != nil {
		s.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	s.t.Cleanup(server.Close)
	s.apply("server", map[string]any{
		"Name": name, "Port": port, "Address": client.NodeIP, "Target": listener.Addr().(*net.TCPAddr).Port,
	})
}

// askUser is an authorization server: it lets in who says who it is, and tells
// the backend so.
func askUser(w http.ResponseWriter, r *http.Request) {
	user := r.Header.Get("Authorization")
	if user == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("X-User", user)
}
