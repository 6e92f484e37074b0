package websocket

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
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
	// handler and client are those of a Go library.
	handler http.HandlerFunc
	client  func(url string, compress bool) error
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

// talk runs the library's client, without and with compression.
func (l *library) talk(url string) error {
	if l.client != nil {
		for _, compress := range []bool{false, true} {
			if err := l.client(url, compress); err != nil {
				return fmt.Errorf("compression %v: %w", compress, err)
			}
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.command[0], append(l.command[1:], "client", url)...)
	cmd.Env = os.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func TestMatrix(t *testing.T) {
	prepare(t)
	servers := map[string]string{}
	for _, l := range libraries {
		servers[l.name] = l.serve(t)
	}
	p := edge.Start(t, edge.Options{Config: byPath(servers)})
	// All pairs are done before the servers end.
	t.Run("pairs", func(t *testing.T) {
		for _, client := range libraries {
			for _, server := range libraries {
				t.Run(client.name+"-"+server.name, func(t *testing.T) {
					t.Parallel()
					if err := client.talk("ws://" + p.Addr("http") + "/" + server.name); err != nil {
						t.Error(err)
					}
				})
			}
		}
	})
}

// byPath leads the path /<name> to each server.
func byPath(servers map[string]string) *proxyconfig.Config {
	c := edge.To()
	c.Backends, c.Routes[0].Rules = nil, nil
	for _, l := range libraries {
		at := netip.MustParseAddrPort(servers[l.name])
		b := proxyconfig.Backend{
			ID: "edge/" + l.name + ":80", Namespace: "edge", Service: l.name, Port: 80, Protocol: "http",
			Endpoints: []proxyconfig.Endpoint{{Address: at.Addr().String(), Port: int32(at.Port())}},
		}
		c.Backends = append(c.Backends, b)
		c.Routes[0].Rules = append(c.Routes[0].Rules, proxyconfig.Rule{
			Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/" + l.name}}},
			Backends: []proxyconfig.BackendRef{{Backend: b.ID, Weight: 1}},
		})
	}
	return c
}
