package graph

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// What is looked up is what comparing each hostname with each other finds.
func TestHostClaimsAreThoseThatOverlap(t *testing.T) {
	names := []string{"", "*.com", "*.example.com", "*.a.example.com", "example.com", "a.example.com", "b.a.example.com", "example.org", "com"}
	hostnames := rapid.SliceOfN(rapid.SampledFrom(names), 1, 3)
	rapid.Check(t, func(t *rapid.T) {
		claims := newHostClaims()
		var routes []*Route
		for range rapid.IntRange(0, 6).Draw(t, "routes") {
			route := &Route{hostnames: hostnames.Draw(t, "claimed")}
			routes = append(routes, route)
			for _, hostname := range route.hostnames {
				claims.add(hostname, route)
			}
		}
		asked := hostnames.Draw(t, "asked")
		var want *Route
		if i := slices.IndexFunc(routes, func(r *Route) bool { return shareHost(asked, r.hostnames) }); i >= 0 {
			want = routes[i]
		}
		if got := claims.first(asked); got != want {
			t.Fatalf("of %v got %+v, want %+v", asked, got, want)
		}
	})
}

// shareHost says whether some host has both a name of a and one of b.
func shareHost(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool { return overlap(x, y) })
	})
}
