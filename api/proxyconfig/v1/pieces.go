package proxyconfig

import (
	"iter"
	"slices"
)

// Piece is some items of a kind that lie side by side: those of one part, or those that
// the index has itself. It must not be changed.
type Piece[T any] struct {
	Items []T
	// Without are the places of the items that do not count, in ascending order.
	Without []int
}

// All visits the items that count.
func (p Piece[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		without := p.Without
		for i := range p.Items {
			if len(without) > 0 && without[0] == i {
				without = without[1:]
				continue
			}
			if !yield(&p.Items[i]) {
				return
			}
		}
	}
}

// same says whether a piece is what another one is, without looking at the items: what
// did not change is the same memory.
func (p Piece[T]) same(o Piece[T]) bool {
	return p.lieWith(o) && slices.Equal(p.Without, o.Without)
}

func (p Piece[T]) lieWith(o Piece[T]) bool {
	return len(p.Items) == len(o.Items) && (len(p.Items) == 0 || &p.Items[0] == &o.Items[0])
}

// Pieces are all items of a kind in a configuration, those of the index first. Where
// items are compared with those of another configuration, a piece that both have is
// passed over as a whole.
type Pieces[T any] []Piece[T]

// All visits the items that count.
func (p Pieces[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, piece := range p {
			for item := range piece.All() {
				if !yield(item) {
					return
				}
			}
		}
	}
}

// Len is how many items count.
func (p Pieces[T]) Len() (n int) {
	for _, piece := range p {
		n += len(piece.Items) - len(piece.Without)
	}
	return n
}

// Beside returns the items of p that are in no piece of o, in their order. It may
// return some that are: what has moved from one piece to another one, or lies in a
// piece of which anything else is in other memory.
func (p Pieces[T]) Beside(o Pieces[T]) []*T {
	var items []*T
	for _, piece := range p {
		other := o.at(piece)
		switch {
		case other == nil:
			items = slices.AppendSeq(items, piece.All())
		case !piece.same(*other):
			// What does not count there is what may count here alone.
			for _, place := range other.Without {
				if _, without := slices.BinarySearch(piece.Without, place); !without {
					items = append(items, &piece.Items[place])
				}
			}
		}
	}
	return items
}

// at returns the piece that lies where the given one does.
func (p Pieces[T]) at(given Piece[T]) *Piece[T] {
	for i := range p {
		if p[i].lieWith(given) {
			return &p[i]
		}
	}
	return nil
}

// Same says, without looking at the items, that p is of the same pieces as o. It may
// say no where the items are the same.
func (p Pieces[T]) Same(o Pieces[T]) bool { return slices.EqualFunc(p, o, Piece[T].same) }

// ListenerPieces are the listeners of c.
func (c *Config) ListenerPieces() Pieces[Listener] {
	return piecesOf(c, func(c *Config) []Listener { return c.Listeners })
}

// RoutePieces are the routes of c.
func (c *Config) RoutePieces() Pieces[Route] {
	return piecesOf(c, func(c *Config) []Route { return c.Routes })
}

// BackendPieces are the backends of c.
func (c *Config) BackendPieces() Pieces[Backend] {
	return piecesOf(c, func(c *Config) []Backend { return c.Backends })
}

func piecesOf[T any](c *Config, items func(*Config) []T) Pieces[T] {
	pieces := make(Pieces[T], 0, 1+len(c.joined))
	if own := items(c); len(own) > 0 {
		pieces = append(pieces, Piece[T]{Items: own})
	}
	for _, f := range c.joined {
		if of := items(f.items); len(of) > 0 {
			pieces = append(pieces, Piece[T]{of, f.without})
		}
	}
	return pieces
}

// joined is a part that a configuration was put together of.
type joined struct {
	items *Config
	// without are the places of the items that do not count: a part has items of one
	// kind.
	without []int
}
