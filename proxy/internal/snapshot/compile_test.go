package snapshot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

// world compiles one configuration after another, as a proxy does.
type world struct {
	t            testing.TB
	registry     *balance.Registry
	certificates Certificates
	serving      *Snapshot
	revision     int64
}

func newWorld(t testing.TB) *world {
	return &world{t: t, registry: balance.NewRegistry(balance.Options{})}
}

func (w *world) apply(c *proxyconfig.Config) []proxyconfig.RefusedItem {
	w.t.Helper()
	w.revision++
	s, refused := Compile(Input{
		Document: &proxyconfig.Document{Hash: fmt.Sprint("hash-", w.revision), Revision: w.revision},
		Config:   c, Certificates: w.certificates, Registry: w.registry, Previous: w.serving,
	})
	w.serving = s
	s.Commit()
	return refused
}

// route returns what is compiled of an HTTPRoute of the namespace "ns".
func (s *Snapshot) route(name string) *compiledRoute {
	r, _ := s.routes.byID.Get(RouteID{"HTTPRoute", "ns", name})
	return r
}

func (s *Snapshot) transportTo(backend string) *Transport {
	_, transport := s.backends.reach(backend)
	return transport
}

// get says what serves a request: "listener route#rule status cluster".
func (w *world) get(port uint16, host, path string) string {
	for _, p := range w.serving.Ports {
		if p.Number != port {
			continue
		}
		var m router.Match
		rule := p.Match(&router.Request{Host: []byte(host), Path: []byte(path), Method: []byte("GET")}, &m)
		return describe(rule)
	}
	return "refused"
}

func describe(r *Rule) string {
	switch {
	case r == nil:
		return "404"
	case r.Fail != 0:
		return fmt.Sprintf("%s %s#%d %d", r.Listener.Name, r.Route.Name, r.Index, r.Fail)
	case r.Redirect != nil:
		return fmt.Sprintf("%s %s#%d %d", r.Listener.Name, r.Route.Name, r.Index, r.Redirect.Status)
	}
	backend, ok := r.Backends.Pick()
	target := "500"
	if ok && backend.Cluster != nil {
		target = backend.Cluster.ID
	}
	return fmt.Sprintf("%s %s#%d %s", r.Listener.Name, r.Route.Name, r.Index, target)
}

func rules(backends ...string) []proxyconfig.Rule {
	var out []proxyconfig.Rule
	for i, b := range backends {
		path := fmt.Sprintf("/%d", i)
		out = append(out, proxyconfig.Rule{
			Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: path}}},
			Backends: []proxyconfig.BackendRef{{Backend: b, Weight: 1}},
		})
	}
	return out
}

func route(name string, created int64, rules []proxyconfig.Rule, attachments ...proxyconfig.Attachment) proxyconfig.Route {
	return proxyconfig.Route{Kind: "HTTPRoute", Namespace: "ns", Name: name, CreatedAt: created, Rules: rules, Attachments: attachments}
}

func on(listener string, hostnames ...string) proxyconfig.Attachment {
	if hostnames == nil {
		hostnames = []string{""}
	}
	return proxyconfig.Attachment{Listener: listener, Hostnames: hostnames}
}

func backends(ids ...string) []proxyconfig.Backend {
	var out []proxyconfig.Backend
	for _, id := range ids {
		out = append(out, proxyconfig.Backend{ID: id, Namespace: "ns", Service: id, Port: 80, Protocol: "http",
			Endpoints: []proxyconfig.Endpoint{{Address: "10.0.0.1", Port: 80}}})
	}
	return out
}

func httpListener(name string, port int32, hostname string) proxyconfig.Listener {
	return proxyconfig.Listener{Name: name, Port: port, Protocol: proxyconfig.HTTP, Hostname: hostname}
}

func TestMatchIsolatesListeners(t *testing.T) {
	w := newWorld(t)
	w.apply(&proxyconfig.Config{
		Listeners: []proxyconfig.Listener{
			httpListener("any", 80, ""), httpListener("wild", 80, "*.example.com"),
			httpListener("one", 80, "one.example.com"), httpListener("other", 8080, ""),
		},
		Routes: []proxyconfig.Route{
			route("all", 1, rules("a"), on("any"), on("wild", "*.example.com"), on("other")),
			route("only", 1, rules("b"), on("one", "one.example.com")),
			route("young", 9, rules("b"), on("other")),
			route("deep", 9, rules("", "b"), on("any")),
		},
		Backends: backends("a", "b"),
	})
	for _, test := range []struct {
		port             uint16
		host, path, want string
	}{
		{80, "example.org", "/0", "any all#0 a"},
		{80, "two.example.com", "/0", "wild all#0 a"},
		{80, "one.example.com", "/0", "one only#0 b"},
		{80, "one.example.com", "/1", "404"},
		{80, "two.example.com", "/1", "404"},
		{80, "example.org", "/1", "any deep#1 b"},
		{80, "example.org", "/2", "404"},
		{8080, "one.example.com", "/0", "other all#0 a"},
		{81, "example.org", "/0", "refused"},
	} {
		if got := w.get(test.port, test.host, test.path); got != test.want {
			t.Errorf("%s:%d%s: got %s, want %s", test.host, test.port, test.path, got, test.want)
		}
	}
}

func TestEqualMatchesGoToTheOldestRoute(t *testing.T) {
	w := newWorld(t)
	w.apply(&proxyconfig.Config{
		Listeners: []proxyconfig.Listener{httpListener("l", 80, "")},
		Routes: []proxyconfig.Route{
			route("a-young", 2, rules("b"), on("l")), route("c-old", 1, rules("a"), on("l")), route("b-old", 1, rules("b"), on("l")),
		},
		Backends: backends("a", "b"),
	})
	if got, want := w.get(80, "x", "/0"), "l b-old#0 b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBadItemsFailAlone(t *testing.T) {
	c := &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{httpListener("good", 80, ""), httpListener("bad", 0, ""),
			{Name: "strange", Port: 90, Protocol: "SCTP"}},
		Routes: []proxyconfig.Route{
			route("r", 1, rules("a", "a", "a", "a", "missing", ""), on("good"), on("bad"), on("nowhere")),
			route("", 1, rules("a"), on("good")),
		},
		Backends: append(backends("a"), proxyconfig.Backend{ID: "odd", Port: 80, Protocol: "spdy"}),
	}
	c.Backends[0].Endpoints = append(c.Backends[0].Endpoints, proxyconfig.Endpoint{Address: "127.0.0.1", Port: 80})
	r := c.Routes[0].Rules
	r[1].Invalid = "backend ns/x is not there"
	r[2].Filters = []proxyconfig.Filter{{Type: "FromTheFuture"}}
	r[3].Matches = append(r[3].Matches, proxyconfig.Match{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathRegex, Value: "("}})

	w := newWorld(t)
	var got []string
	for _, item := range w.apply(c) {
		got = append(got, fmt.Sprintf("%s %s[%d] %s", item.Kind, item.Name, item.Rule, item.Reason))
	}
	want := []string{
		`Backend odd[0] unknown backend protocol "spdy"`,
		`Backend a[0] endpoint 127.0.0.1 is a loopback address`,
		`Listener bad[0] port 0 is not in 1..65535`,
		`Listener strange[0] unknown protocol "SCTP"`,
		`Route ns/[0] the route has no identity`,
		`Rule ns/r[1] backend ns/x is not there`,
		`Rule ns/r[2] filter FromTheFuture: the type is unknown`,
		"Rule ns/r[3] path: error parsing regexp: missing closing ): `(`",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i, want := range []string{"good r#0 a", "good r#1 500", "good r#2 500", "good r#3 500", "good r#4 500", "good r#5 500"} {
		if got := w.get(80, "x", fmt.Sprintf("/%d", i)); got != want {
			t.Errorf("rule %d: got %s, want %s", i, got, want)
		}
	}
}

func TestRuleWithoutMatchesTakesEverything(t *testing.T) {
	w := newWorld(t)
	w.apply(&proxyconfig.Config{
		Listeners: []proxyconfig.Listener{httpListener("l", 80, "")},
		Routes: []proxyconfig.Route{route("r", 1, []proxyconfig.Rule{{Filters: []proxyconfig.Filter{
			{Type: proxyconfig.FilterRedirect, Redirect: &proxyconfig.Redirect{Scheme: "https", Status: 301}},
		}}}, on("l"))},
	})
	if got, want := w.get(80, "x", "/any/thing"), "l r#0 301"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// firstRule returns what a request to "/0" reaches.
func (w *world) firstRule() *Rule {
	var m router.Match
	return w.serving.Ports[0].Match(&router.Request{Host: []byte("x"), Path: []byte("/0")}, &m)
}

func TestUnchangedRoutesAreTakenOver(t *testing.T) {
	config := func(weight int32, backend string) *proxyconfig.Config {
		a, b := rules("a"), rules(backend)
		b[0].Backends[0].Weight = weight
		return &proxyconfig.Config{
			Listeners: []proxyconfig.Listener{httpListener("l", 80, "")},
			Routes:    []proxyconfig.Route{route("a", 1, a, on("l", "x")), route("b", 1, b, on("l", "y"))},
			Backends:  backends("a", "b"),
		}
	}
	w := newWorld(t)
	w.apply(config(1, "b"))
	before := w.firstRule()
	w.apply(config(2, "b"))
	if w.firstRule().Backends != before.Backends {
		t.Error("a route that did not change lost its place in the split")
	}
	w.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{httpListener("l", 80, "")}})
	w.apply(config(2, "b"))
	backend, _ := w.firstRule().Backends.Pick()
	if backend.Cluster.Pick(0) == nil || backend.Cluster.Pick(0).Gone() {
		t.Error("a route that came back holds a dropped cluster")
	}
}

func TestTakenOverRoutesFollowTheirCluster(t *testing.T) {
	config := func(withBackend bool) *proxyconfig.Config {
		c := &proxyconfig.Config{
			Listeners: []proxyconfig.Listener{httpListener("l", 80, "")},
			Routes:    []proxyconfig.Route{route("a", 1, rules("a"), on("l"))},
		}
		if withBackend {
			c.Backends = backends("a")
		}
		return c
	}
	w := newWorld(t)
	for i, want := range []string{"l a#0 a", "l a#0 500", "l a#0 a"} {
		w.apply(config(i%2 == 0))
		if got := w.get(80, "x", "/0"); got != want {
			t.Errorf("step %d: got %s, want %s", i, got, want)
		}
	}
}

func TestSeriesAreStableAndNeverReused(t *testing.T) {
	config := func(names ...string) *proxyconfig.Config {
		c := &proxyconfig.Config{Listeners: []proxyconfig.Listener{httpListener("l", 80, "")}}
		for _, name := range names {
			c.Routes = append(c.Routes, route(name, 1, rules("", ""), on("l", name)))
		}
		return c
	}
	list := func(s *Snapshot) string {
		var b strings.Builder
		for i, e := range s.Series {
			fmt.Fprintf(&b, "%d:%s/%s ", i, e.Route.Name, e.Rule)
		}
		return b.String()
	}
	w := newWorld(t)
	w.apply(config("a", "b"))
	first := w.serving
	w.apply(config("b", "c"))
	w.apply(config("c", "a"))
	want := "0:/ 1:a/0 2:a/1 3:b/0 4:b/1 5:c/0 6:c/1 "
	if got := list(w.serving); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := list(first), "0:/ 1:a/0 2:a/1 3:b/0 4:b/1 "; got != want {
		t.Errorf("an older snapshot changed: got %s, want %s", got, want)
	}

	var many []string
	for i := range 3000 {
		many = append(many, fmt.Sprintf("m%d", i))
	}
	w.apply(config(many...))
	if got := len(w.serving.Series); got != 4096 {
		t.Errorf("got %d series, want 4096", got)
	}
	if got := w.serving.route("m2999"); got == nil {
		t.Fatal("no route")
	}
	var m router.Match
	last := w.serving.Ports[0].Match(&router.Request{Host: []byte("m2999"), Path: []byte("/0")}, &m)
	if last.Series != 0 {
		t.Errorf("a rule past the last series has %d, want the overflow series", last.Series)
	}
}
