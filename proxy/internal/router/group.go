package router

import (
	"cmp"
	"strings"
)

// Group are the entries that a table has of one route. It must not be changed once a
// table has it, for another table sees by the pointer that it is the same.
type Group[T any] struct {
	Rank Rank
	// Entries are in the order in which the first of equally specific ones wins.
	Entries []Entry[T]
}

// Rank is a route's place among others whose matches are equally specific.
type Rank struct {
	CreatedAt             int64
	Kind, Namespace, Name string
}

// Compare is negative where r comes before o (Gateway API, HTTPRouteRule.Matches): the
// oldest route, then by "namespace/name".
func (r *Rank) Compare(o *Rank) int {
	return cmp.Or(cmp.Compare(r.CreatedAt, o.CreatedAt), compareIDs(r, o), strings.Compare(r.Kind, o.Kind),
		strings.Compare(r.Namespace, o.Namespace))
}

// compareIDs compares the routes' IDs, and puts them together only where it has to.
func compareIDs(a, b *Rank) int {
	if a.Namespace == b.Namespace {
		return strings.Compare(a.Name, b.Name)
	}
	common := min(len(a.Namespace), len(b.Namespace))
	if n := strings.Compare(a.Namespace[:common], b.Namespace[:common]); n != 0 {
		return n
	}
	return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
}

func (g *Group[T]) compare(o *Group[T]) int { return g.Rank.Compare(&o.Rank) }
