package router

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/proxy/internal/pmap"
)

// candidate is an entry of a table, below its host.
type candidate[T any] struct {
	matcher *Matcher
	order   int
	value   T
}

// compare orders the candidates of one path.
func (c candidate[T]) compare(o candidate[T]) int {
	if n := c.matcher.compare(o.matcher); n != 0 {
		return n
	}
	return cmp.Compare(c.order, o.order)
}

// paths holds the candidates of one host by path, as far as one hostname was
// written for them.
type paths[T any] struct {
	written string
	// next is for what matches nothing here; nil ends the search.
	next *paths[T]

	exact  pmap.Map[string, []candidate[T]]
	regex  []candidate[T]
	prefix pmap.Map[string, []candidate[T]]
	// lengths are those of the prefixes, the longest first: a request looks up
	// one key per length that ends at an element of its path.
	lengths []int
}

// fill puts candidates into their places.
func (p *paths[T]) fill(all []candidate[T]) {
	// One key's come to lie side by side, in their order.
	slices.SortFunc(all, func(a, b candidate[T]) int {
		return cmp.Or(strings.Compare(a.matcher.value, b.matcher.value), a.compare(b))
	})
	exact, prefix := p.exact.Edit(), p.prefix.Edit()
	for _, c := range all {
		switch c.matcher.path {
		case pathExact:
			addTo(exact, c)
		case pathPrefix:
			addTo(prefix, c)
			p.lengths = append(p.lengths, len(c.matcher.value))
		case pathRegex:
			p.regex = append(p.regex, c)
		}
	}
	p.exact, p.prefix = exact.Map(), prefix.Map()
	slices.SortFunc(p.regex, func(a, b candidate[T]) int {
		return cmp.Or(len(b.matcher.value)-len(a.matcher.value), a.compare(b))
	})
	slices.SortFunc(p.lengths, func(a, b int) int { return b - a })
	p.lengths = slices.Compact(p.lengths)
}

func addTo[T any](e *pmap.Edit[string, []candidate[T]], c candidate[T]) {
	list, _ := e.Get(c.matcher.value)
	e.Set(c.matcher.value, append(list, c))
}

// find returns the most specific candidate, or nil.
func (p *paths[T]) find(r *Request, m *Match) *candidate[T] {
	exact, _ := pmap.GetBytes(&p.exact, r.Path)
	if c := first(exact, r); c != nil {
		return c
	}
	for i := range p.regex {
		c := &p.regex[i]
		if c.matcher.matchesRest(r) && c.matcher.pattern.Match(r.Path) {
			return c
		}
	}
	return p.findPrefix(r, m)
}

func (p *paths[T]) findPrefix(r *Request, m *Match) *candidate[T] {
	for _, n := range p.lengths {
		if !endsElement(r.Path, n) {
			continue
		}
		prefixed, _ := pmap.GetBytes(&p.prefix, r.Path[:n])
		if c := first(prefixed, r); c != nil {
			m.PrefixLen = n
			return c
		}
	}
	return nil
}

// endsElement says whether the first n bytes of path are whole elements. None
// always are, so that the prefix "/" also matches the "*" of OPTIONS.
func endsElement(path []byte, n int) bool {
	return n == 0 || n == len(path) || n < len(path) && path[n] == '/'
}

func first[T any](list []candidate[T], r *Request) *candidate[T] {
	for i := range list {
		if list[i].matcher.matchesRest(r) {
			return &list[i]
		}
	}
	return nil
}
