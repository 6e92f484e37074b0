package snapshot

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// town is a small world of configurations, whose parts come and go.
type town struct {
	listeners map[string]proxyconfig.Listener
	routes    map[string]proxyconfig.Route
	backends  map[string]proxyconfig.Backend
	// before is the configuration that was made last.
	before *proxyconfig.Config
}

var (
	townListeners = []string{"a", "b", "tls", "udp"}
	townHosts     = []string{"", "*.example.com", "x.example.com", "y.example.com"}
	townPaths     = []string{"/", "/0", "/1"}
)

// change changes something, or says the same once more from other memory.
func (w *town) change(t *rapid.T) {
	switch name := fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "name")); rapid.IntRange(0, 7).Draw(t, "change") {
	case 0:
		delete(w.routes, name)
	case 1, 2, 3:
		w.routes[name] = drawRoute(t, name)
	case 4:
		delete(w.backends, name)
	case 5:
		b := backends(name)[0]
		b.Protocol = rapid.SampledFrom([]string{proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2, proxyconfig.BackendUDP, "odd"}).Draw(t, "protocol")
		b.Endpoints[0].Address = rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", "127.0.0.1"}).Draw(t, "address")
		w.backends[name] = b
	case 6:
		delete(w.listeners, rapid.SampledFrom(townListeners).Draw(t, "listener"))
	case 7:
		l := httpListener(rapid.SampledFrom(townListeners).Draw(t, "listener"), 80, "")
		l.Hostname = rapid.SampledFrom(townHosts).Draw(t, "hostname")
		if l.Name == "udp" {
			l.Port, l.Protocol, l.Hostname = 53, proxyconfig.UDP, ""
		}
		w.listeners[l.Name] = l
	}
}

func drawRoute(t *rapid.T, name string) proxyconfig.Route {
	r := route(name, int64(rapid.IntRange(0, 2).Draw(t, "age")), nil)
	r.Namespace = rapid.SampledFrom([]string{"ns", "ns-b"}).Draw(t, "namespace")
	if rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
		r.Kind = proxyconfig.UDPRoute
	}
	for range rapid.IntRange(0, 2).Draw(t, "rules") {
		r.Rules = append(r.Rules, rules(fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "backend")))...)
		last := &r.Rules[len(r.Rules)-1]
		last.Matches[0].Path.Value = rapid.SampledFrom(append(townPaths, "no path")).Draw(t, "path")
	}
	for range rapid.IntRange(0, 2).Draw(t, "attachments") {
		host := rapid.SampledFrom(townHosts).Draw(t, "host")
		r.Attachments = append(r.Attachments, on(rapid.SampledFrom(townListeners).Draw(t, "on"), host))
	}
	return r
}

// config is what there is now. What it has of one kind lies where it lay before if
// nothing of that has changed, as it does where parts are put together.
func (w *town) config() *proxyconfig.Config {
	c := &proxyconfig.Config{Listeners: sorted(w.listeners), Routes: sorted(w.routes), Backends: sorted(w.backends)}
	if w.before != nil {
		c.Listeners = kept(c.Listeners, w.before.Listeners)
		c.Routes = kept(c.Routes, w.before.Routes)
		c.Backends = kept(c.Backends, w.before.Backends)
	}
	w.before = c
	return c
}

func sorted[T any](m map[string]T) []T {
	var list []T
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[name])
	}
	return list
}

func kept[T any](now, before []T) []T {
	if cmp.Equal(now, before) {
		return before
	}
	return now
}

// answers is what each request is answered with.
func (w *world) answers() string {
	var b strings.Builder
	for _, host := range []string{"x.example.com", "y.example.com", "z.example.com", "other"} {
		for _, path := range append(townPaths, "/0/deep", "/other") {
			fmt.Fprintln(&b, host, path, w.get(80, host, path))
		}
	}
	for _, p := range w.serving.UDPPorts {
		fmt.Fprintln(&b, "udp", p.Number, p.Rule != nil && p.Rule.Fail == 0)
	}
	return b.String()
}

// Following a history of changes is beginning anew: requests are answered in the same
// way, and the same is refused.
func TestFollowingChangesIsBeginningAnew(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		home := &town{listeners: map[string]proxyconfig.Listener{}, routes: map[string]proxyconfig.Route{}, backends: map[string]proxyconfig.Backend{}}
		for _, name := range townListeners[:2] {
			l := httpListener(name, 80, map[string]string{"a": "", "b": "*.example.com"}[name])
			home.listeners[name] = l
		}
		following := newWorld(t)
		for step := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				home.change(rt)
			}
			config := home.config()
			refused := following.apply(config)
			anew := newWorld(t)
			if diff := cmp.Diff(anew.apply(config), refused); diff != "" {
				rt.Fatalf("step %d: refused (-anew +following):\n%s", step, diff)
			}
			if diff := cmp.Diff(anew.answers(), following.answers()); diff != "" {
				rt.Fatalf("step %d: answers (-anew +following):\n%s", step, diff)
			}
		}
	})
}

// What one changed route of many costs beyond the lists of all of them is the same
// however many there are.
func TestOneChangedRouteIsBuiltAlone(t *testing.T) {
	allocations := func(n int) float64 {
		w := newWorld(t)
		config := large(n, 1)
		w.apply(config)
		weight := int32(1)
		return testing.AllocsPerRun(20, func() {
			weight++
			next := *config
			next.Routes = slices.Clone(config.Routes)
			at := n / 2
			next.Routes[at].Rules = rules(config.Backends[at].ID)
			next.Routes[at].Rules[0].Backends[0].Weight = weight
			w.apply(&next)
			if w.serving.Compiled != 1 {
				t.Fatalf("%d routes were compiled", w.serving.Compiled)
			}
		})
	}
	few, many := allocations(500), allocations(5000)
	if many > few+100 {
		t.Errorf("a change costs %.0f allocations among 500 routes, and %.0f among 5000", few, many)
	}
}

// One changed endpoint leaves the routes, and the tables that they are in, as they are.
func TestOneChangedEndpointLeavesRoutesAlone(t *testing.T) {
	w := newWorld(t)
	config := large(300, 1)
	w.apply(config)
	before := w.serving
	next := *config
	next.Backends = slices.Clone(config.Backends)
	next.Backends[7].Endpoints = []proxyconfig.Endpoint{{Address: "10.0.0.9", Port: 80}}
	w.apply(&next)
	if w.serving.Compiled != 0 || !maps.Equal(before.tables, w.serving.tables) {
		t.Errorf("%d routes were compiled", w.serving.Compiled)
	}
	if got := w.serving.Cluster(next.Backends[7].ID).Pick(0).Addr.String(); got != "10.0.0.9:80" {
		t.Errorf("the endpoint is %s", got)
	}
}
