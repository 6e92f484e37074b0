package app

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

func TestTables(t *testing.T) {
	endpoint := func(a string) proxyconfig.Endpoint { return proxyconfig.Endpoint{Address: a, Port: 8080} }
	s, _ := snapshot.Compile(snapshot.Input{
		Document: &proxyconfig.Document{},
		Registry: balance.NewRegistry(balance.Options{}),
		Config: &proxyconfig.Config{
			Listeners: []proxyconfig.Listener{{Name: "http", Port: 80, Protocol: proxyconfig.HTTP}},
			Routes: []proxyconfig.Route{{Kind: "HTTPRoute", Namespace: "ns", Name: "r", Rules: []proxyconfig.Rule{{Name: "first"}, {}},
				Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{""}}}}},
			Backends: []proxyconfig.Backend{
				{ID: "a", Namespace: "ns", Service: "a", Port: 80, Protocol: "http", Endpoints: []proxyconfig.Endpoint{endpoint("10.0.0.1"), endpoint("nonsense")}},
				{ID: "odd", Namespace: "ns", Service: "odd", Port: 80, Protocol: "unknown", Endpoints: []proxyconfig.Endpoint{endpoint("10.0.0.9")}},
				{ID: "b", Namespace: "ns", Service: "b", Port: 81, Protocol: "http", Endpoints: []proxyconfig.Endpoint{endpoint("10.0.0.1"), endpoint("fd00::1")}},
			},
		},
	})
	want := &probev1.Tables{
		Series: []probev1.Series{
			{ID: 1, Listener: "http", Kind: "HTTPRoute", Namespace: "ns", Name: "r", Rule: "first"},
			{ID: 2, Listener: "http", Kind: "HTTPRoute", Namespace: "ns", Name: "r", Rule: "1"},
		},
		Backends: []probev1.Backend{{ID: 1, Namespace: "ns", Service: "a", Port: 80}, {ID: 2, Namespace: "ns", Service: "b", Port: 81}},
		Endpoints: []probev1.Endpoint{
			{Address: netip.MustParseAddrPort("10.0.0.1:8080"), Backend: 1},
			{Address: netip.MustParseAddrPort("10.0.0.1:8080"), Backend: 2},
			{Address: netip.MustParseAddrPort("[fd00::1]:8080"), Backend: 2},
		},
		Ports: []probev1.Port{{Number: 80, Listener: "http"}},
	}
	if diff := cmp.Diff(want, newTables(s, nil).Tables(), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

// drawn is a configuration of backends that come, go and move; some have a name.
func drawn(random *rand.Rand) *proxyconfig.Config {
	c := &proxyconfig.Config{Listeners: []proxyconfig.Listener{{Name: "http", Port: 80, Protocol: proxyconfig.HTTP}}}
	for i := range 6 {
		if random.IntN(4) == 0 {
			continue
		}
		name := fmt.Sprint(i)
		b := proxyconfig.Backend{ID: name, Namespace: "ns", Service: name, Port: 80, Protocol: "http"}
		if i == 5 {
			b.External = &proxyconfig.External{Hostname: fmt.Sprintf("%d.example.net", random.IntN(2))}
		}
		for range random.IntN(3) * (5 - i) {
			b.Endpoints = append(b.Endpoints, proxyconfig.Endpoint{Address: fmt.Sprintf("10.0.0.%d", random.IntN(4)), Port: 80})
		}
		c.Backends = append(c.Backends, b)
		c.Routes = append(c.Routes, proxyconfig.Route{
			Kind: "HTTPRoute", Namespace: "ns", Name: name, Rules: []proxyconfig.Rule{{Name: fmt.Sprint(random.IntN(3))}},
			Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{""}}},
		})
	}
	return c
}

// Amending the tables of one snapshot is having those of the next one.
func TestTablesSinceAnother(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	registry := balance.NewRegistry(balance.Options{})
	compile := func(c *proxyconfig.Config, before *snapshot.Snapshot) *snapshot.Snapshot {
		s, _ := snapshot.Compile(snapshot.Input{Document: &proxyconfig.Document{}, Registry: registry, Config: c, Previous: before})
		s.Commit()
		return s
	}
	serving := compile(drawn(random), nil)
	told := newTables(serving, registry.External())
	model := contentOf(&probev1.Amendment{Tables: *told.Tables()}, nil)
	for step := range 500 {
		if random.IntN(3) > 0 {
			c := drawn(random)
			c.Listeners = serving.Config.Listeners
			serving = compile(c, serving)
		}
		registry.Resolved("0.example.net", []netip.Addr{netip.AddrFrom4([4]byte{10, 1, 0, byte(random.IntN(2))})}, nil)
		next := newTables(serving, registry.External())
		a := next.Since(told)
		if a == nil {
			t.Fatal("nothing but the whole tells it")
		}
		model = contentOf(a, model)
		if diff := cmp.Diff(contentOf(&probev1.Amendment{Tables: *next.Tables()}, nil), model); diff != "" {
			t.Fatalf("step %d: after %+v (-whole +amended):\n%s", step, a, diff)
		}
		told = next
	}
	other := drawn(random)
	if newTables(compile(other, serving), nil).Since(told) != nil {
		t.Error("other listeners can be told by an amendment")
	}
}

// contentOf amends what is known by its entries.
func contentOf(a *probev1.Amendment, known map[string]bool) map[string]bool {
	content := map[string]bool{}
	maps.Copy(content, known)
	for _, id := range a.Gone.Backends {
		maps.DeleteFunc(content, func(entry string, _ bool) bool { return strings.HasPrefix(entry, fmt.Sprintf("backend %d ", id)) })
	}
	for _, e := range a.Gone.Endpoints {
		delete(content, fmt.Sprint(e))
	}
	for _, s := range a.Series {
		content[fmt.Sprint(s)] = true
	}
	for _, b := range a.Backends {
		content[fmt.Sprintf("backend %d %v", b.ID, b)] = true
	}
	for _, e := range a.Endpoints {
		content[fmt.Sprint(e)] = true
	}
	for _, p := range a.Ports {
		content[fmt.Sprint(p)] = true
	}
	return content
}
