package router

import (
	"fmt"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// However many paths a host has, each is found, under its own kind, and no other one.
func TestPathsAreFoundAmongFewAndMany(t *testing.T) {
	for _, n := range []int{1, 3, fewPaths / 2, fewPaths, 9 * fewPaths, 1000} {
		var entries []Entry[string]
		add := func(m proxyconfig.Match, value string) {
			entries = append(entries, Entry[string]{Matcher: mustMatcher(t, m), Value: value})
		}
		for i := range n {
			add(proxyconfig.Match{Path: prefix(fmt.Sprintf("/p%d", i))}, "prefix")
			add(proxyconfig.Match{Path: prefix(fmt.Sprintf("/p%d", i)), Method: "PUT"}, "prefix of PUT")
			add(proxyconfig.Match{Path: exact(fmt.Sprintf("/p%d", i))}, "exact")
		}
		table := New(entries)
		find := func(method, path string) string {
			return table.Find(&Request{Method: []byte(method), Path: []byte(path)}, &Match{})
		}
		for i := range n {
			path := fmt.Sprintf("/p%d", i)
			for _, test := range []struct{ method, path, want string }{
				{"GET", path, "exact"}, {"GET", path + "/", "prefix"}, {"PUT", path + "/a", "prefix of PUT"}, {"GET", path + "a", ""},
			} {
				if got := find(test.method, test.path); got != test.want {
					t.Fatalf("of %d, %s %s leads to %q, want %q", n, test.method, test.path, got, test.want)
				}
			}
		}
		if got := find("GET", fmt.Sprintf("/p%d", n)); got != "" {
			t.Fatalf("of %d, a path that is not there leads to %q", n, got)
		}
	}
}

// Patterns of one length are not told apart by their text: what else they ask for comes
// first, and then the order in which they are listed.
func TestPatternsOfOneLengthAreInTheOrderOfTheRest(t *testing.T) {
	table := New([]Entry[string]{
		{Matcher: mustMatcher(t, proxyconfig.Match{Path: pattern("/b.*")}), Value: "first"},
		{Matcher: mustMatcher(t, proxyconfig.Match{Path: pattern("/.*b")}), Value: "second"},
		{Matcher: mustMatcher(t, proxyconfig.Match{Path: pattern("/z?b"), Method: "PUT"}), Value: "of PUT"},
	})
	for method, want := range map[string]string{"GET": "first", "PUT": "of PUT"} {
		if got := table.Find(&Request{Method: []byte(method), Path: []byte("/b")}, &Match{}); got != want {
			t.Errorf("%s leads to %q, want %q", method, got, want)
		}
	}
}
