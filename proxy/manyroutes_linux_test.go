package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// The tenants of one large Gateway, with a listener each and a number of routes.
const (
	tenants         = 2500
	routesPerTenant = 16
)

// A configuration of 40,000 routes takes little memory, however often a route of
// it changes, and its last route is served like its first.
func TestFortyThousandRoutesAreSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's own memory is many times that of the proxy")
	}
	const most = 128 << 20
	var rewrite func(revision int64)
	c := startWith(t, func(http.ResponseWriter, *http.Request) {}, func(c *child, dir string, ports []int, backend int) {
		rewrite = func(revision int64) { c.configureMany(dir, ports[0], backend, revision) }
		rewrite(1)
	}, nil)
	for revision := int64(2); revision < 8; revision++ {
		rewrite(revision)
		c.eventually(fmt.Sprintf("revision %d is served", revision), func() bool {
			return c.asTenant(0, fmt.Sprintf("/revision-%d", revision)) == http.StatusOK
		})
	}
	c.getsTenant(0)
	c.getsTenant(tenants - 1)
	c.eventually("what reading left behind is given back", func() bool { return c.resident() <= most })
	t.Logf("%d MiB, %d of them anonymous, %d at the peak", c.resident()>>20, c.anonymous()>>20, c.peak()>>20)
}

// tenant is what one tenant adds to a configuration.
func tenant(n, port, backend int, revision int64) (l proxyconfig.Listener, b proxyconfig.Backend, routes []proxyconfig.Route) {
	namespace := fmt.Sprintf("team-%04d", n)
	host := namespace + ".example.com"
	l = proxyconfig.Listener{Name: namespace + "/listeners/web", Port: int32(port), Protocol: proxyconfig.HTTP, Hostname: host}
	b = proxyconfig.Backend{ID: namespace + "/app:80", Namespace: namespace, Service: "app", Port: 80, Protocol: proxyconfig.BackendHTTP1,
		Endpoints: []proxyconfig.Endpoint{{Address: "127.0.0.1", Port: int32(backend)}}}
	for i := range routesPerTenant {
		match := proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: fmt.Sprintf("/service-%02d", i)}
		if n == 0 && i == 0 {
			match.Value = fmt.Sprintf("/revision-%d", revision)
		}
		routes = append(routes, proxyconfig.Route{
			Kind: "HTTPRoute", Namespace: namespace, Name: fmt.Sprintf("route-%02d", i), CreatedAt: 1,
			Attachments: []proxyconfig.Attachment{{Listener: l.Name, Hostnames: []string{host}}},
			Rules: []proxyconfig.Rule{{
				Matches:  []proxyconfig.Match{{Path: &match}},
				Backends: []proxyconfig.BackendRef{{Backend: b.ID, Weight: 1}},
			}},
		})
	}
	return l, b, routes
}

// configureMany writes the configuration of all tenants in parts. Its revision is
// seen in the first route of the first tenant.
func (c *child) configureMany(dir string, port, backend int, revision int64) {
	c.t.Helper()
	whole, fragments := &proxyconfig.Config{}, map[string]*proxyconfig.Config{}
	fragment := func(kind proxyconfig.PartKind, count, n int) *proxyconfig.Config {
		name := proxyconfig.PartName(kind, n%count)
		if fragments[name] == nil {
			fragments[name] = &proxyconfig.Config{}
		}
		return fragments[name]
	}
	for n := range tenants {
		l, b, routes := tenant(n, port, backend, revision)
		f := fragment(proxyconfig.PartListeners, proxyconfig.ListenerParts, n)
		f.Listeners = append(f.Listeners, l)
		f = fragment(proxyconfig.PartBackends, proxyconfig.BackendParts, n)
		f.Backends = append(f.Backends, b)
		f = fragment(proxyconfig.PartRoutes, proxyconfig.RouteParts, n)
		f.Routes = append(f.Routes, routes...)
		whole.Listeners = append(whole.Listeners, l)
	}
	c.write(dir, revision, whole, fragments)
}

// write stores the parts and then the index that names them.
func (c *child) write(dir string, revision int64, whole *proxyconfig.Config, fragments map[string]*proxyconfig.Config) {
	c.t.Helper()
	var parts []proxyconfig.Part
	for _, name := range proxyconfig.PartNames() {
		f := fragments[name]
		if f == nil {
			continue
		}
		kind, number := partOf(name)
		part, data, err := proxyconfig.EncodePart(kind, number, f)
		if err != nil {
			c.t.Fatal(err)
		}
		parts = append(parts, part)
		c.replace(filepath.Join(dir, part.Key()), data)
	}
	index, _, err := proxyconfig.EncodeIndex(proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: "uid"}, revision, whole, proxyconfig.Layout{Parts: parts})
	if err != nil {
		c.t.Fatal(err)
	}
	c.replace(filepath.Join(dir, proxyconfig.ConfigKey), index)
}

func partOf(name string) (kind proxyconfig.PartKind, number int) {
	text, digits, _ := strings.Cut(name, "-")
	fmt.Sscan(digits, &number)
	return proxyconfig.PartKind(text), number
}

// replace writes a file that is there as a whole or not at all.
func (c *child) replace(file string, data []byte) {
	c.t.Helper()
	if err := os.WriteFile(file+"~", data, 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		c.t.Fatal(err)
	}
}

func (c *child) getsTenant(n int) {
	c.t.Helper()
	if got := c.asTenant(n, fmt.Sprintf("/service-%02d", routesPerTenant-1)); got != http.StatusOK {
		c.t.Errorf("the last route of tenant %d answers %d", n, got)
	}
}

// asTenant returns the status that a path of a tenant is answered with.
func (c *child) asTenant(n int, path string) int {
	r, err := http.NewRequest(http.MethodGet, "http://"+c.plain+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Host = fmt.Sprintf("team-%04d.example.com", n)
	answer, err := c.client.Do(r)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}
