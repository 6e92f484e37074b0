package snapshot

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// town is a small world of configurations, whose items come and go.
type town struct {
	listeners map[string]proxyconfig.Listener
	routes    map[string]proxyconfig.Route
	backends  map[string]proxyconfig.Backend
	// told are the listeners of the configuration before.
	told map[string]proxyconfig.Listener
	// parts are what is stored of them.
	parts struct {
		listeners shelf[proxyconfig.Listener]
		routes    shelf[proxyconfig.Route]
		backends  shelf[proxyconfig.Backend]
	}
}

var (
	townListeners = []string{"a", "b", "pass", "udp"}
	townHosts     = []string{"", "*.example.com", "x.example.com", "y.example.com"}
	townPaths     = []string{"/", "/0", "/1"}
)

// change changes something, or says the same once more from other memory.
func (w *town) change(t *rapid.T) {
	switch name := fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "name")); rapid.IntRange(0, 9).Draw(t, "change") {
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
	case 8:
		if r, there := w.routes[name]; there {
			r.CreatedAt = int64(rapid.IntRange(0, 2).Draw(t, "age"))
			w.routes[name] = r
		}
	case 9:
		if r, there := w.routes[name]; there {
			r.Attachments = drawRoute(t, name).Attachments
			w.routes[name] = r
		}
	case 6:
		delete(w.listeners, rapid.SampledFrom(townListeners).Draw(t, "listener"))
	case 7:
		l := httpListener(rapid.SampledFrom(townListeners).Draw(t, "listener"), 80, "")
		l.Hostname = rapid.SampledFrom(townHosts).Draw(t, "hostname")
		switch l.Name {
		case "udp":
			l.Port, l.Protocol, l.Hostname = 80, proxyconfig.UDP, ""
		case "pass":
			l = tlsListenerOf(l.Name, l.Hostname, proxyconfig.TLSPassthrough)
		}
		w.listeners[l.Name] = l
	}
}

func drawRoute(t *rapid.T, name string) proxyconfig.Route {
	r := route(name, int64(rapid.IntRange(0, 2).Draw(t, "age")), nil)
	r.Namespace = rapid.SampledFrom([]string{"ns", "ns-b"}).Draw(t, "namespace")
	r.Kind = rapid.SampledFrom([]string{"HTTPRoute", "HTTPRoute", "HTTPRoute", proxyconfig.UDPRoute, proxyconfig.TLSRoute}).Draw(t, "kind")
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

// config is what there is now, in parts: what is the same in a part as it was stored
// lies where it lay before, and what is not lies in the index, until the part is stored
// anew.
func (w *town) config(t *rapid.T) *proxyconfig.Config {
	index, fragments := &proxyconfig.Config{}, proxyconfig.Fragments{}
	for number := range townParts {
		fold := func() bool { return rapid.IntRange(0, 4).Draw(t, "fold") == 0 }
		l := w.parts.listeners.divide(w.listeners, number, !reflect.DeepEqual(w.listeners, w.told))
		r := w.parts.routes.divide(w.routes, number, fold())
		b := w.parts.backends.divide(w.backends, number, fold())
		index.Routes, index.Backends = append(index.Routes, r.own...), append(index.Backends, b.own...)
		for kind, of := range map[proxyconfig.PartKind]struct {
			fragment *proxyconfig.Config
			without  []int
		}{
			proxyconfig.PartListeners: {&proxyconfig.Config{Listeners: l.stored}, l.without},
			proxyconfig.PartRoutes:    {&proxyconfig.Config{Routes: r.stored}, r.without},
			proxyconfig.PartBackends:  {&proxyconfig.Config{Backends: b.stored}, b.without},
		} {
			p := proxyconfig.Part{Kind: kind, Number: number}
			fragments[p] = of.fragment
			if of.without != nil {
				index.Superseded = append(index.Superseded, proxyconfig.Superseded{Part: p.Name(), Items: of.without})
			}
		}
	}
	index.Parts = slices.SortedFunc(maps.Keys(fragments), func(a, b proxyconfig.Part) int { return strings.Compare(a.Name(), b.Name()) })
	w.told = maps.Clone(w.listeners)
	w.misrender(t, index)
	c, err := proxyconfig.Assemble(index, fragments)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// misrender adds now and then what no operator should have rendered.
func (w *town) misrender(t *rapid.T, index *proxyconfig.Config) {
	switch rapid.IntRange(0, 11).Draw(t, "misrender") {
	case 0:
		index.Routes = append(index.Routes, sorted(w.routes)...)
	case 1:
		index.Backends = append(index.Backends, sorted(w.backends)...)
	case 2:
		index.Routes = append(index.Routes, route("bad", 0, nil, on("a", "NO HOST")))
	case 3:
		index.Backends = append(index.Backends, proxyconfig.Backend{ID: "bad", Protocol: "odd"})
	}
}

const townParts = 2

// shelf has what is stored in the parts of one kind, and under which names.
type shelf[T any] struct {
	names [townParts][]string
	items [townParts][]T
}

// divided is a part as it is stored, with what lies beside it.
type divided[T any] struct {
	stored, own []T
	without     []int
}

// divide goes by the items of a part as they are now, which are stored anew where that
// is wanted.
func (s *shelf[T]) divide(now map[string]T, number int, fold bool) (d divided[T]) {
	mine := maps.Clone(now)
	maps.DeleteFunc(mine, func(name string, _ T) bool { return int(name[len(name)-1])%townParts != number })
	if fold {
		s.names[number], s.items[number] = slices.Sorted(maps.Keys(mine)), sorted(mine)
	}
	d.stored = s.items[number]
	for at, name := range s.names[number] {
		if item, there := mine[name]; there && cmp.Equal(item, d.stored[at]) {
			delete(mine, name)
		} else {
			d.without = append(d.without, at)
		}
	}
	d.own = sorted(mine)
	return d
}

func sorted[T any](m map[string]T) []T {
	var list []T
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[name])
	}
	return list
}

// answers is what each request is answered with.
func (w *world) answers() string {
	var b strings.Builder
	for _, host := range []string{"x.example.com", "y.example.com", "z.example.com", "other"} {
		for _, path := range append(townPaths, "/0/deep", "/other") {
			fmt.Fprintln(&b, host, path, w.get(80, host, path))
		}
	}
	for _, host := range []string{"x.example.com", "y.example.com", "other"} {
		if p := w.serving.Port(443); p != nil {
			fmt.Fprintln(&b, "tls", host, tell(p, host))
		}
	}
	for _, p := range w.serving.UDPPorts {
		fmt.Fprintln(&b, "udp", p.Number, describe(p.Rule))
	}
	clusters := w.registry.Clusters()
	slices.SortFunc(clusters, func(a, b *balance.Cluster) int { return strings.Compare(a.ID, b.ID) })
	for _, c := range clusters {
		fmt.Fprintln(&b, c.ID, w.serving.Cluster(c.ID) == c, w.serving.SentProxy(c), addresses(c))
	}
	return b.String()
}

func addresses(c *balance.Cluster) (list []string) {
	for _, e := range c.Endpoints() {
		list = append(list, e.Addr.String())
	}
	return list
}

// Following a history of changes is beginning anew: requests are answered in the same
// way, and the same is refused.
// Backends keep their Clusters, and these are at the endpoints of the newest
// configuration.
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
			config := home.config(rt)
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

// Of two routes with the same matches the older one serves, whichever that is by now.
func TestAgeDecidesAnewWhereNothingElseChanges(t *testing.T) {
	w := newWorld(t)
	config := func(a, b int64) *proxyconfig.Config {
		return &proxyconfig.Config{
			Listeners: []proxyconfig.Listener{httpListener("l", 80, "")}, Backends: backends("of-a", "of-b"),
			Routes: []proxyconfig.Route{route("a", a, rules("of-a"), on("l")), route("b", b, rules("of-b"), on("l"))},
		}
	}
	for _, ages := range [][2]int64{{1, 2}, {3, 2}, {2, 2}, {2, 1}} {
		w.apply(config(ages[0], ages[1]))
		want := "l a#0 of-a"
		if ages[0] > ages[1] {
			want = "l b#0 of-b"
		}
		if got := w.get(80, "host", "/0"); got != want {
			t.Errorf("of routes since %v %s serves", ages, got)
		}
	}
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

// What a new listener costs does not depend on how many routes others have.
func TestANewListenerLeavesRoutesAlone(t *testing.T) {
	allocations := func(n int) float64 {
		w := newWorld(t)
		config := large(n, 1)
		w.apply(config)
		return testing.AllocsPerRun(20, func() {
			next := *config
			name := fmt.Sprint("more-", len(config.Listeners))
			next.Listeners = append(slices.Clone(config.Listeners), httpListener(name, 80, name+".example.com"))
			next.Routes = append(slices.Clone(config.Routes), route(name, 1, rules(config.Backends[0].ID), on(name, name+".example.com")))
			if w.apply(&next); w.serving.Compiled != 1 {
				t.Fatalf("%d routes were compiled", w.serving.Compiled)
			}
			config = &next
		})
	}
	few, many := allocations(500), allocations(5000)
	if many > few+100 {
		t.Errorf("a listener costs %.0f allocations among 500 routes, and %.0f among 5000", few, many)
	}
}

// A route that waits for its listener is served when that comes.
func TestARouteIsServedOnceItsListenerIsThere(t *testing.T) {
	w := newWorld(t)
	config := func(listeners ...string) *proxyconfig.Config {
		c := &proxyconfig.Config{Backends: backends("b"), Routes: []proxyconfig.Route{route("r", 1, rules("b"), on("late", "late.example.com"))}}
		for _, name := range listeners {
			c.Listeners = append(c.Listeners, httpListener(name, 80, name+".example.com"))
		}
		return c
	}
	w.apply(config("early"))
	w.apply(config("early", "late"))
	if got := w.get(80, "late.example.com", "/0"); got != "late r#0 b" {
		t.Errorf("it is answered by %q", got)
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
	if w.serving.Compiled != 0 || !maps.Equal(before.routes.at, w.serving.routes.at) {
		t.Errorf("%d routes were compiled", w.serving.Compiled)
	}
	if got := w.serving.Cluster(next.Backends[7].ID).Pick(0).Addr.String(); got != "10.0.0.9:80" {
		t.Errorf("the endpoint is %s", got)
	}
}
