package router

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Match is what Find fills in beside the value that it returns.
type Match struct {
	// PrefixLen is the length of the path prefix that matched, without a
	// trailing slash; zero for other kinds of path matches.
	PrefixLen int
}

// Entry is one way to a value.
type Entry[T any] struct {
	// Hostname is an exact name, a wildcard, or empty for any host; lower case.
	Hostname string
	// Written orders the entries of one Hostname before anything else does, the
	// more specific first: those of a less specific one are for what the others
	// do not match. It is the Hostname, or a less specific one that covers it.
	Written string
	Matcher *Matcher
	Value   T
}

// Table maps requests to values of type T, by host, path, method, headers and
// query parameters, with the precedence of the Gateway API. It is immutable
// and safe for concurrent use.
type Table[T any] struct {
	hosts Hosts[*host[T]]
}

// host is what a table has of one hostname: the most specific tier of its paths, and
// the groups that these were made of, in their order.
type host[T any] struct {
	paths[T]
	groups []*Group[T]
}

// New makes a table of entries. Among equally specific entries the first one
// wins, so the caller gives them in the order of the Gateway API's last
// criteria: age of the route, its name, then rules and matches as listed.
func New[T any](entries []Entry[T]) *Table[T] {
	return Renew(nil, nil, []*Group[T]{{Entries: entries}})
}

// newHost builds what the groups have of a hostname.
func newHost[T any](hostname string, groups []*Group[T]) *host[T] {
	tiers := map[string][]candidate[T]{}
	for _, g := range groups {
		for i := range g.Entries {
			if e := &g.Entries[i]; e.Hostname == hostname {
				tiers[e.Written] = append(tiers[e.Written], candidate[T]{matcher: e.Matcher, value: e.Value})
			}
		}
	}
	h := &host[T]{groups: groups}
	at := &h.paths
	for i, written := range slices.SortedFunc(maps.Keys(tiers), compareHostnames) {
		if i > 0 {
			at.next = &paths[T]{}
			at = at.next
		}
		at.written = written
		at.fill(tiers[written])
	}
	return h
}

// Find returns the value of the most specific match, or the zero T.
func (t *Table[T]) Find(r *Request, m *Match) T {
	m.PrefixLen = 0
	for w := t.hosts.walk(r.Host); w.next(); {
		for p := &w.value.paths; p != nil; p = p.next {
			if c := p.find(r, m); c != nil {
				return c.value
			}
		}
	}
	var zero T
	return zero
}

// String prints the table in the order in which it is searched.
func (t *Table[T]) String() string {
	var b strings.Builder
	for _, pattern := range t.hosts.Patterns() {
		h, _ := t.hosts.Get(pattern)
		for p := &h.paths; p != nil; p = p.next {
			fmt.Fprintf(&b, "%s\n", p.title(pattern))
			p.print(&b)
		}
	}
	return b.String()
}

func (p *paths[T]) title(hostname string) string {
	shown := cmp.Or(hostname, "*")
	if p.written == hostname {
		return shown
	}
	return shown + " of " + cmp.Or(p.written, "*")
}

// print writes the candidates in the order in which they are looked at: exact paths,
// patterns, prefixes.
func (p *paths[T]) print(b *strings.Builder) {
	for _, list := range [][]candidate[T]{p.all[:p.prefixes], p.all[p.patterns:], p.all[p.prefixes:p.patterns]} {
		for _, c := range list {
			fmt.Fprintf(b, "  %s -> %v\n", c.matcher, c.value)
		}
	}
}
