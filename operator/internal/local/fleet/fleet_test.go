package fleet

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// roleVariable makes the test binary play a child instead of running the tests.
const roleVariable = "FLEETGATE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(roleVariable) == "":
		os.Exit(m.Run())
	case strings.HasPrefix(os.Args[1], "--gateway-namespace="):
		os.Exit(fakeProxy(os.Args[1:]))
	default:
		os.Exit(fakeSensor(os.Args[1:]))
	}
}

// fakeProxy reports the configuration that it finds, and leaves a note of each
// start and of each orderly end.
func fakeProxy(args []string) int {
	fs := flag.NewFlagSet("proxy", flag.ExitOnError)
	values := map[string]*string{}
	for _, name := range []string{"gateway-namespace", "gateway-name", "gateway-uid", "config-dir", "state-dir", "admin-dir", "bind", "health-address", "admin-address", "probe-socket"} {
		values[name] = fs.String(name, "", "")
	}
	fs.Bool("allow-loopback-backends", false, "")
	_ = fs.Parse(args)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	note(filepath.Join(*values["state-dir"], "notes"), "start\n")

	p := &reporter{path: filepath.Join(*values["config-dir"], "config.json"), uid: *values["gateway-uid"]}
	token, err := os.ReadFile(filepath.Join(*values["admin-dir"], "token"))
	if err != nil {
		panic(err)
	}
	p.token = string(token)
	server := &http.Server{Addr: *values["admin-address"], Handler: p, TLSConfig: &tls.Config{}}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	_ = server.ListenAndServeTLS(filepath.Join(*values["admin-dir"], "tls.crt"), filepath.Join(*values["admin-dir"], "tls.key"))
	note(filepath.Join(*values["state-dir"], "notes"), "end\n")
	return 0
}

func fakeSensor([]string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	return 0
}

func note(path, text string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		panic(err)
	}
}

// reporter answers with the hash of the document on disk; the revision is the
// sequence.
type reporter struct{ path, uid, token string }

func (p *reporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/report" || r.Header.Get("Authorization") != "Bearer "+p.token {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	for {
		report := p.report()
		if after := r.URL.Query().Get("after"); after == "" || after != jsonOf(report.Sequence) {
			_ = json.NewEncoder(w).Encode(report)
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *reporter) report() proxyconfig.Report {
	report := proxyconfig.Report{GatewayUID: p.uid}
	data, err := os.ReadFile(p.path)
	if err != nil {
		return report
	}
	if d, _, _, err := proxyconfig.Decode(data); err == nil {
		report.Sequence, report.Revision, report.Hash = uint64(d.Revision), d.Revision, d.Hash
	}
	return report
}

func jsonOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
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
	t.Setenv(roleVariable, "yes")
	// Not t.TempDir: with the test's name in it the sockets' paths get too long.
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, dir: dir}
	f.Fleet = New(Options{Dir: dir, Proxy: os.Args[0], Sensor: os.Args[0], Changed: func() { f.changes.Add(1) }})
	t.Cleanup(func() {
		f.Close()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) notes(g Gateway) string {
	text, err := os.ReadFile(filepath.Join(f.dir, fileName(g), "state", "notes"))
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
