package router

import (
	"cmp"
	"slices"
	"strings"
)

// candidate is an entry of a table, below its host.
type candidate[T any] struct {
	matcher *Matcher
	value   T
	// length is that of the path, by which most others are told apart without a look at
	// it. run is how many candidates of the same kind and path begin here, for the
	// first of them alone.
	length, run uint32
}

// compare orders the candidates of one host: by kind, those with a longer path first,
// and those of one path by what else they ask for. Equal ones stay as they were given,
// and so do patterns of one length, whatever they are.
func (c candidate[T]) compare(o candidate[T]) int {
	a, b := c.matcher, o.matcher
	if n := cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(len(b.value), len(a.value))); n != 0 {
		return n
	}
	if a.path != pathRegex && a.value != b.value {
		return strings.Compare(a.value, b.value)
	}
	return a.compare(b)
}

func (c candidate[T]) samePath(o candidate[T]) bool {
	return c.matcher.path == o.matcher.path && c.matcher.value == o.matcher.value
}

// paths holds the candidates of one host by path, as far as one hostname was
// written for them.
type paths[T any] struct {
	written string
	// next is for what matches nothing here; nil ends the search.
	next *paths[T]

	// all are in order: the first ones have an exact path, those from prefixes on a
	// prefix, and those from patterns on a pattern.
	all                []candidate[T]
	prefixes, patterns uint32
	// index leads to the runs of exact paths and prefixes; nil where there are few.
	index index
	// lengths are those of the prefixes, the longest first: a request looks up
	// one key per length that ends at an element of its path.
	lengths []int
}

// fill puts candidates into their places.
func (p *paths[T]) fill(all []candidate[T]) {
	slices.SortStableFunc(all, candidate[T].compare)
	// The list has grown one by one.
	p.all = append(make([]candidate[T], 0, len(all)), all...)
	runs := p.count()
	if runs > fewPaths {
		p.index = newIndex(runs)
		for i := range p.all[:p.patterns] {
			if c := &p.all[i]; c.run > 0 {
				p.index.add(hashString(c.matcher.path, c.matcher.value), i)
			}
		}
	}
}

// count finds out where the kinds, lengths and runs begin, and returns how many runs of
// exact paths and prefixes there are.
func (p *paths[T]) count() (runs int) {
	head := 0
	for i := range p.all {
		c := &p.all[i]
		c.length = uint32(len(c.matcher.value))
		if i > 0 && !p.all[head].samePath(*c) {
			head = i
		}
		p.all[head].run++
		if c.matcher.path == pathRegex {
			continue
		}
		if head == i {
			runs++
		}
		p.patterns++
		if c.matcher.path == pathExact {
			p.prefixes++
		} else if n := len(p.lengths); n == 0 || p.lengths[n-1] != int(c.length) {
			p.lengths = append(p.lengths, int(c.length))
		}
	}
	return runs
}

// find returns the most specific candidate, or nil.
func (p *paths[T]) find(r *Request, m *Match) *candidate[T] {
	if p.prefixes > 0 {
		if c := first(p.at(pathExact, r.Path), r); c != nil {
			return c
		}
	}
	for i := int(p.patterns); i < len(p.all); i++ {
		c := &p.all[i]
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
		if c := first(p.at(pathPrefix, r.Path[:n]), r); c != nil {
			m.PrefixLen = n
			return c
		}
	}
	return nil
}

// at returns the candidates of a path, of a kind that is compared as it is.
func (p *paths[T]) at(kind pathKind, path []byte) []candidate[T] {
	if p.index != nil {
		return p.indexed(kind, path)
	}
	i, end := uint32(0), p.prefixes
	if kind == pathPrefix {
		i, end = p.prefixes, p.patterns
	}
	// Comparing a few is faster than hashing one.
	for i < end {
		c := &p.all[i]
		if int(c.length) == len(path) && c.matcher.value == string(path) {
			return p.all[i : i+c.run]
		}
		i += c.run
	}
	return nil
}

func (p *paths[T]) indexed(kind pathKind, path []byte) []candidate[T] {
	for at := p.index.look(hashBytes(kind, path)); at.next(); {
		c := &p.all[at.place]
		if int(c.length) == len(path) && c.matcher.path == kind && c.matcher.value == string(path) {
			return p.all[at.place : at.place+c.run]
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
