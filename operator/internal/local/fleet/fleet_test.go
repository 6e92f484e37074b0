package fleet

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/local/fakeproxy"
)

func TestMain(m *testing.M) {
	fakeproxy.Main()
	os.Exit(m.Run())
}

// fixture is a fleet of fake children.
type fixture struct {
	*Fleet
	t       *testing.T
	dir     string
	changes atomic.Int64
	seen    int64
	applied []Gateway
}

// Apply remembers the Gateways, to apply them again after a change.
func (f *fixture) Apply(gateways []Gateway) {
	f.applied = gateways
	f.Fleet.Apply(gateways)
}

// settle does what the owner of a Fleet does: it applies after each change.
func (f *fixture) settle() {
	if now := f.changes.Load(); now != f.seen {
		f.seen = now
		f.Fleet.Apply(f.applied)
	}
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	binary := fakeproxy.Use(t)
	// Not t.TempDir: with the test's name in it the sockets' paths get too long.
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, dir: dir}
	f.Fleet = New(Options{Dir: dir, Proxy: binary, Sensor: binary, Changed: func() { f.changes.Add(1) }})
	t.Cleanup(func() {
		f.Close()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) notes(g Gateway) string {
	text, err := os.ReadFile(filepath.Join(f.dir, fileName(g), "state", fakeproxy.Notes))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

func gateway(namespace, name string, port int32) Gateway {
	return Gateway{
		Key: types.NamespacedName{Namespace: namespace, Name: name}, UID: namespace + "-" + name, Class: "c",
		Config: &proxyconfig.Config{Listeners: []proxyconfig.Listener{{Name: "http", Port: port, Protocol: proxyconfig.HTTP}}},
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: ", what)
		}
	}
}

// report is what the Gateway's proxy said last.
func report(s State) *proxyconfig.Report {
	if len(s.Proxies) != 1 {
		return nil
	}
	return s.Proxies[0].Report
}

// serving waits until the Gateway's proxy reports what it is to serve.
func (f *fixture) serving(g Gateway) State {
	f.t.Helper()
	var s State
	eventually(f.t, "the proxy serves what it is to", func() bool {
		f.settle()
		s = f.State(g.Key)
		_, serving := s.Proxies.Ready(s.Hash)
		return serving == 1
	})
	return s
}

func TestFleetFollowsTheGateways(t *testing.T) {
	f := newFixture(t)
	a, b := gateway("a", "web", 8080), gateway("b", "web", 8080)
	f.Apply([]Gateway{a, b})
	first, other := f.serving(a), f.serving(b)
	if first.Address == other.Address || !first.Address.IsLoopback() {
		t.Errorf("addresses %s and %s", first.Address, other.Address)
	}
	if first.Problem != "" || first.Proxy.PID == 0 || first.Sensor == nil || len(first.Metrics) != 2 {
		t.Errorf("state %+v", first)
	}

	a.Config = gateway("a", "web", 8081).Config
	f.Apply([]Gateway{a, b})
	eventually(t, "the changed Gateway serves its new configuration", func() bool {
		return report(f.serving(a)).Hash != report(first).Hash
	})
	if s := f.serving(b); s.Proxy != other.Proxy || report(s).Revision != report(other).Revision {
		t.Errorf("the other Gateway was touched: %+v, before %+v", s, other)
	}
	if s := f.State(a.Key); s.Proxy.PID != first.Proxy.PID {
		t.Errorf("the changed Gateway's proxy was restarted")
	}

	f.Apply([]Gateway{b})
	eventually(t, "the removed Gateway is gone", func() bool { return f.State(a.Key).Proxy == (State{}).Proxy })
	if notes := f.notes(a); notes != "start\nend\n" {
		t.Errorf("the removed Gateway's proxy did not end in order: %q", notes)
	}
}

func TestKilledProxyComesBack(t *testing.T) {
	f := newFixture(t)
	g := gateway("a", "web", 8080)
	f.Apply([]Gateway{g})
	before := f.serving(g)
	if err := syscall.Kill(before.Proxy.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another process serves", func() bool {
		f.settle()
		s := f.State(g.Key)
		_, serving := s.Proxies.Ready(before.Hash)
		return s.Proxy.Starts == 2 && serving == 1
	})
}

func TestGatewayThatComesBackWhileItDrains(t *testing.T) {
	f := newFixture(t)
	g := gateway("a", "web", 8080)
	f.Apply([]Gateway{g})
	f.serving(g)
	f.Apply(nil)
	f.Apply([]Gateway{g})
	eventually(t, "the second proxy runs", func() bool {
		f.settle()
		return strings.HasPrefix(f.notes(g), "start\nend\nstart\n")
	})
	f.serving(g)
}

func TestGatewayMovesToTheAddressItAsksFor(t *testing.T) {
	f := newFixture(t)
	g := gateway("a", "web", 8080)
	f.Apply([]Gateway{g})
	f.serving(g)
	g.Address = netip.MustParseAddr("127.201.0.9")
	f.Apply([]Gateway{g})
	eventually(t, "the Gateway is at its address", func() bool {
		f.settle()
		return f.State(g.Key).Address == g.Address
	})
	f.serving(g)
}

func TestUnusableAddressIsAProblem(t *testing.T) {
	f := newFixture(t)
	g := gateway("a", "web", 8080)
	g.Address = netip.MustParseAddr("192.0.2.1")
	f.Apply([]Gateway{g})
	if s := f.State(g.Key); !strings.Contains(s.Problem, "192.0.2.1 is not a loopback address") || s.Proxy.Starts != 0 {
		t.Errorf("%+v", s)
	}
}

func TestCloseLeavesNoProcess(t *testing.T) {
	f := newFixture(t)
	a, b := gateway("a", "web", 8080), gateway("b", "web", 8080)
	f.Apply([]Gateway{a, b})
	pids := []int{f.serving(a).Proxy.PID, f.serving(b).Proxy.PID}
	f.Close()
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
			t.Errorf("process %d: %v", pid, err)
		}
	}
	if notes := f.notes(a); notes != "start\nend\n" {
		t.Errorf("notes %q", notes)
	}
}
