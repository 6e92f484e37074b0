package listener

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// twins are two servers on one port of two addresses, that say who they are.
func twins(t *testing.T) (port int32) {
	t.Helper()
	address := "127.0.0.1:0"
	for i := range 2 {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%d %s", i+1, r.Host)
		}))
		s.Listener.Close()
		s.Listener = ln
		s.Start()
		t.Cleanup(func() {
			s.CloseClientConnections()
			s.Close()
		})
		port = int32(ln.Addr().(*net.TCPAddr).Port)
		address = fmt.Sprintf("127.0.0.2:%d", port)
	}
	return port
}

// TestRequestsFollowAName has connections to a backend outside of the cluster kept
// and used again, but not after its name has left their address.
func TestRequestsFollowAName(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		c := to()
		c.Backends[0].Port = twins(t)
		c.Backends[0].External = &proxyconfig.External{Hostname: "api.example.net"}
		p := start(t, settings{driver: d}, c)
		ask := func(want int, body string) {
			t.Helper()
			req, err := http.NewRequest(http.MethodPost, p.url("/"), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = "shop.example.com"
			resp, got := do(t, client(t), req)
			if resp.StatusCode != want || body != "" && got != body {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, got, want, body)
			}
		}
		resolved := func(err error, addresses ...string) {
			var list []netip.Addr
			for _, address := range addresses {
				list = append(list, netip.MustParseAddr(address))
			}
			_, _ = p.registry.Resolved("api.example.net", list, err)
		}
		ask(http.StatusServiceUnavailable, "")
		resolved(io.ErrUnexpectedEOF)
		ask(http.StatusServiceUnavailable, "")
		for _, twin := range []int{1, 2, 1} {
			resolved(nil, fmt.Sprintf("127.0.0.%d", twin))
			for range 3 {
				ask(http.StatusOK, fmt.Sprintf("%d shop.example.com", twin))
			}
		}
		resolved(errors.New("no such host"))
		p.apply(c)
		ask(http.StatusOK, "1 shop.example.com")
	})
}
