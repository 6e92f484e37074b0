package configsource

import (
	"fmt"
	"slices"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// A change of one route has one part read and one route compiled, however many
// there are; one of an endpoint compiles none.
func TestChangeCostsOnePartAndOneRoute(t *testing.T) {
	for _, n := range []int{32, 800} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := newStory(t)
			s.sees(Watch, divide(t, ownUID, 1, n, nil))
			if got := s.c.Status().Snapshot.Compiled; got != n {
				t.Fatalf("at first %d routes are compiled", got)
			}
			weight := func(c *proxyconfig.Config) { c.Routes[17].Rules[0].Backends[0].Weight = 2 }
			if read := s.sees(Watch, divide(t, ownUID, 2, n, weight)); !slices.Equal(read, []string{"routes-1"}) {
				t.Errorf("a route has %v read", read)
			}
			if got := s.c.Status().Snapshot.Compiled; got != 1 {
				t.Errorf("a route has %d compiled", got)
			}
			moved := func(c *proxyconfig.Config) { weight(c); c.Backends[9].Endpoints[0].Port = 9090 }
			if read := s.sees(Watch, divide(t, ownUID, 3, n, moved)); !slices.Equal(read, []string{"backends-1"}) {
				t.Errorf("an endpoint has %v read", read)
			}
			if got := s.c.Status().Snapshot.Compiled; got != 0 {
				t.Errorf("an endpoint has %d routes compiled", got)
			}
			if status := s.c.Status(); status.Snapshot.Revision != 3 || status.Snapshot.Config.RoutePieces().Len() != n {
				t.Errorf("revision %d serves %d routes", status.Snapshot.Revision, status.Snapshot.Config.RoutePieces().Len())
			}
		})
	}
}

// amended is the same in the same parts, but for a route that lies in the index.
func (s *stored) amended(t testing.TB, revision int64, part string, item int, route proxyconfig.Route) *stored {
	t.Helper()
	out := &stored{parts: s.parts}
	var err error
	out.document, _, err = proxyconfig.EncodeIndex(proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: ownUID}, revision, &proxyconfig.Config{}, proxyconfig.Layout{
		Parts: s.index.Parts, Superseded: []proxyconfig.Superseded{{Part: part, Items: []int{item}}}, Routes: []proxyconfig.Route{route},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, out.index, _, err = proxyconfig.Decode(out.document); err != nil {
		t.Fatal(err)
	}
	return out
}

// A recent change has nothing read and one route compiled, of which the version of the
// part does not count any more; and when it is in its part, nothing is compiled.
func TestRecentChangeHasNothingRead(t *testing.T) {
	s := newStory(t)
	first := divide(t, ownUID, 1, 200, nil)
	s.sees(Watch, first)
	weight := func(c *proxyconfig.Config) { c.Routes[17].Rules[0].Backends[0].Weight = 2 }
	changed := sets(200, 1)
	weight(changed)
	if read := s.sees(Watch, first.amended(t, 2, "routes-1", 1, changed.Routes[17])); read != nil {
		t.Errorf("%v was read", read)
	}
	status := s.c.Status()
	if status.Snapshot.Compiled != 1 || status.Snapshot.Revision != 2 || status.Snapshot.Config.RoutePieces().Len() != 200 {
		t.Errorf("revision %d serves %d routes, and %d were compiled", status.Snapshot.Revision, status.Snapshot.Config.RoutePieces().Len(), status.Snapshot.Compiled)
	}
	if read := s.sees(Watch, divide(t, ownUID, 3, 200, weight)); !slices.Equal(read, []string{"routes-1"}) || s.c.Status().Snapshot.Compiled != 0 {
		t.Errorf("%v was read and %d routes compiled", read, s.c.Status().Snapshot.Compiled)
	}
	if read := s.sees(Watch, first.amended(t, 4, "routes-1", 99, changed.Routes[17])); s.c.Status().Snapshot.Revision != 3 || s.c.Status().LastReloadOK {
		t.Errorf("an index serves that supersedes what there is not; %v was read", read)
	}
}

// BenchmarkRouteChanges is what one changed route costs a proxy whose
// configuration lies in parts.
func BenchmarkRouteChanges(b *testing.B) {
	weigh := func(weight int32) func(*proxyconfig.Config) {
		return func(c *proxyconfig.Config) { c.Routes[7].Rules[0].Backends[0].Weight = weight }
	}
	benchmarkChanges(b, func(b *testing.B, n int) []*stored {
		return []*stored{divide(b, ownUID, 1, n, weigh(1)), divide(b, ownUID, 1, n, weigh(2))}
	})
}

// BenchmarkRecentRouteChanges is the same where the route lies in the index.
func BenchmarkRecentRouteChanges(b *testing.B) {
	benchmarkChanges(b, func(b *testing.B, n int) []*stored {
		of := divide(b, ownUID, 1, n, nil)
		var versions []*stored
		for weight := range int32(2) {
			route := sets(n, 1).Routes[7]
			route.Rules[0].Backends[0].Weight = weight + 1
			versions = append(versions, of.amended(b, 1, "routes-7", 0, route))
		}
		return versions
	})
}

// BenchmarkEndpointChanges is what one changed endpoint costs.
func BenchmarkEndpointChanges(b *testing.B) {
	move := func(port int32) func(*proxyconfig.Config) {
		return func(c *proxyconfig.Config) { c.Backends[7].Endpoints[0].Port = port }
	}
	benchmarkChanges(b, func(b *testing.B, n int) []*stored {
		return []*stored{divide(b, ownUID, 1, n, move(1)), divide(b, ownUID, 1, n, move(2))}
	})
}

// benchmarkChanges goes to and fro between versions of n routes.
func benchmarkChanges(b *testing.B, of func(b *testing.B, n int) []*stored) {
	for _, n := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			versions := of(b, n)
			registry := balance.NewRegistry(balance.Options{})
			var serving *snapshot.Snapshot
			var before *proxyconfig.Config
			var fragments proxyconfig.Fragments
			var read []string
			apply := func(of *stored) {
				d, index, _, err := proxyconfig.Decode(of.document)
				if err != nil {
					b.Fatal(err)
				}
				whole, err := gather(index, before, fragments, of.reader(&read))
				if err != nil {
					b.Fatal(err)
				}
				serving, _ = snapshot.Compile(snapshot.Input{Document: d, Config: whole.config, Registry: registry, Previous: serving})
				serving.Commit()
				fragments, before = whole.fragments, whole.config
			}
			apply(versions[0])
			b.ReportAllocs()
			for i := 1; b.Loop(); i++ {
				apply(versions[i%2])
			}
		})
	}
}
