package router

import (
	"cmp"
	"slices"
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

	exact  map[string][]candidate[T]
	regex  []candidate[T]
	prefix map[string][]candidate[T]
	// lengths are those of the prefixes, the longest first: a request looks up
	// one map key per length that ends at an element of its path.
	lengths []int
}

func (p *paths[T]) add(c candidate[T]) {
	switch c.matcher.path {
	case pathExact:
		if p.exact == nil {
			p.exact = map[string][]candidate[T]{}
		}
		p.exact[c.matcher.value] = append(p.exact[c.matcher.value], c)
	case pathRegex:
		p.regex = append(p.regex, c)
	case pathPrefix:
		if p.prefix == nil {
			p.prefix = map[string][]candidate[T]{}
		}
		p.prefix[c.matcher.value] = append(p.prefix[c.matcher.value], c)
	}
}

// sort brings the candidates into their order, once all are added.
func (p *paths[T]) sort() {
	for _, list := range p.exact {
		slices.SortFunc(list, candidate[T].compare)
	}
	slices.SortFunc(p.regex, func(a, b candidate[T]) int {
		if n := len(b.matcher.value) - len(a.matcher.value); n != 0 {
			return n
		}
		return a.compare(b)
	})
	for prefix, list := range p.prefix {
		slices.SortFunc(list, candidate[T].compare)
		if !slices.Contains(p.lengths, len(prefix)) {
			p.lengths = append(p.lengths, len(prefix))
		}
	}
	slices.SortFunc(p.lengths, func(a, b int) int { return b - a })
}

// find returns the most specific candidate, or nil.
func (p *paths[T]) find(r *Request, m *Match) *candidate[T] {
	if c := first(p.exact[string(r.Path)], r); c != nil {
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
		if c := first(p.prefix[string(r.Path[:n])], r); c != nil {
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
