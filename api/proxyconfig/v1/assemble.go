package proxyconfig

import (
	"fmt"
	"slices"
)

// Fragments are decoded parts. They must not be changed.
type Fragments map[Part]*Config

// Assemble returns the configuration of an index and of its parts, all of which
// have to be there. It returns the same parts as views of the result where these are
// whole in it, so that who keeps both has one copy.
//
// before is a configuration that was assembled earlier, or nil. Items of one kind that
// are all the same as in that one are its own slice.
func Assemble(index *Config, fragments Fragments, before *Config) (*Config, Fragments, error) {
	if before == nil {
		before = &Config{}
	}
	superseded := make(map[string][]int, len(index.Superseded))
	for _, s := range index.Superseded {
		superseded[s.Part] = s.Items
	}
	var listeners pieces[Listener]
	var routes pieces[Route]
	var backends pieces[Backend]
	for _, p := range index.Parts {
		f, without := fragments[p], superseded[p.Name()]
		if f == nil {
			return nil, nil, fmt.Errorf("%w: %s", ErrIncomplete, p.Name())
		}
		// Each part holds one kind, as DecodePart sees to.
		if items := len(f.Listeners) + len(f.Routes) + len(f.Backends); len(without) > 0 && without[len(without)-1] >= items {
			return nil, nil, fmt.Errorf("%w: part %s has %d items, of which %v are superseded", ErrMalformed, p.Name(), items, without)
		}
		listeners.add(f.Listeners, without)
		routes.add(f.Routes, without)
		backends.add(f.Backends, without)
	}
	whole, views := *index, make(Fragments, len(index.Parts))
	whole.Superseded = nil
	whole.Listeners = listeners.join(index.Listeners, before.Listeners)
	whole.Routes = routes.join(index.Routes, before.Routes)
	whole.Backends = backends.join(index.Backends, before.Backends)
	for i, p := range index.Parts {
		views[p] = &Config{Listeners: listeners[i].items, Routes: routes[i].items, Backends: backends[i].items}
	}
	return &whole, views, nil
}

// pieces are what each part of an index has of one kind of items.
type pieces[T any] []piece[T]

type piece[T any] struct {
	items []T
	// without are the places of the items that do not count.
	without []int
}

func (p *pieces[T]) add(items []T, without []int) {
	if len(items) == 0 {
		without = nil
	}
	*p = append(*p, piece[T]{items, without})
}

// join returns the index's own items and then those of the pieces that count, in the
// memory of those before where these are the same. Pieces that are whole lie in the
// result afterwards.
func (p pieces[T]) join(own, before []T) []T {
	if len(own) == 0 && p.makeUp(before) {
		return before
	}
	total := len(own)
	for i := range p {
		total += len(p[i].items) - len(p[i].without)
	}
	all := append(slices.Grow([]T(nil), total), own...)
	for i := range p {
		from := len(all)
		all = p[i].appendTo(all)
		if len(p[i].without) == 0 {
			p[i].items = all[from:len(all):len(all)]
		}
	}
	return all
}

// makeUp says whether the pieces, one behind the other, are all of a slice.
func (p pieces[T]) makeUp(all []T) bool {
	for i := range p {
		items := p[i].items
		if len(p[i].without) > 0 || len(items) > len(all) || len(items) > 0 && &items[0] != &all[0] {
			return false
		}
		all = all[len(items):]
	}
	return len(all) == 0
}

func (p *piece[T]) appendTo(all []T) []T {
	from := 0
	for _, gone := range p.without {
		all = append(all, p.items[from:gone]...)
		from = gone + 1
	}
	return append(all, p.items[from:]...)
}
