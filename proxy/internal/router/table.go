package router

import (
	"cmp"
	"fmt"
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
	Matcher  *Matcher
	Value    T
}

// Table maps requests to values of type T, by host, path, method, headers and
// query parameters, with the precedence of the Gateway API. It is immutable
// and safe for concurrent use.
type Table[T any] struct {
	hosts Hosts[*paths[T]]
}

// New makes a table of entries. Among equally specific entries the first one
// wins, so the caller gives them in the order of the Gateway API's last
// criteria: age of the route, its name, then rules and matches as listed.
func New[T any](entries []Entry[T]) *Table[T] {
	t := &Table[T]{}
	for order, e := range entries {
		p, ok := t.hosts.Get(e.Hostname)
		if !ok {
			p = &paths[T]{}
			t.hosts.Set(e.Hostname, p)
		}
		p.add(candidate[T]{matcher: e.Matcher, order: order, value: e.Value})
	}
	for _, pattern := range t.hosts.Patterns() {
		p, _ := t.hosts.Get(pattern)
		p.sort()
	}
	return t
}

// Find returns the value of the most specific match, or the zero T.
func (t *Table[T]) Find(r *Request, m *Match) T {
	m.PrefixLen = 0
	for w := t.hosts.walk(r.Host); w.next(); {
		if c := w.value.find(r, m); c != nil {
			return c.value
		}
	}
	var zero T
	return zero
}

// String prints the table in the order in which it is searched.
func (t *Table[T]) String() string {
	var b strings.Builder
	for _, pattern := range t.hosts.Patterns() {
		p, _ := t.hosts.Get(pattern)
		if pattern == "" {
			pattern = "*"
		}
		fmt.Fprintf(&b, "%s\n", pattern)
		p.print(&b)
	}
	return b.String()
}

func (p *paths[T]) print(b *strings.Builder) {
	line := func(list []candidate[T]) {
		for _, c := range list {
			fmt.Fprintf(b, "  %s -> %v\n", c.matcher, c.value)
		}
	}
	for _, path := range sortedKeys(p.exact) {
		line(p.exact[path])
	}
	line(p.regex)
	for _, prefix := range sortedKeys(p.prefix) {
		line(p.prefix[prefix])
	}
}

// sortedKeys returns the longest keys first.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(len(b)-len(a), strings.Compare(a, b))
	})
	return keys
}
