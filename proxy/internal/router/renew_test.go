package router

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawGroup is what a route may have: some entries, with values that tell them apart.
func drawGroup(t *rapid.T, value *int) *Group[int] {
	*value++
	group := &Group[int]{Rank: Rank{CreatedAt: int64(rapid.IntRange(0, 2).Draw(t, "age")), Kind: "HTTPRoute", Namespace: "ns", Name: fmt.Sprint(*value)}}
	for range rapid.IntRange(0, 3).Draw(t, "entries") {
		e := drawEntry(t)
		m, err := NewMatcher(&e.match)
		if err != nil {
			t.Fatal(err)
		}
		*value++
		group.Entries = append(group.Entries, Entry[int]{Hostname: e.host, Written: e.written, Matcher: m, Value: *value})
	}
	return group
}

// anew is a table of the groups alone.
func anew(groups []*Group[int]) string {
	groups = slices.Clone(groups)
	slices.SortFunc(groups, func(a, b *Group[int]) int {
		return cmp.Or(cmp.Compare(a.Rank.CreatedAt, b.Rank.CreatedAt), strings.Compare(a.Rank.Name, b.Rank.Name))
	})
	var entries []Entry[int]
	for _, g := range groups {
		entries = append(entries, g.Entries...)
	}
	return New(entries).String()
}

// Following changes is beginning anew: whatever groups come and go, the table is the
// one that is made of those that are there, and the one before stays what it was.
func TestRenewIsBeginningAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := 0
		var groups []*Group[int]
		var table *Table[int]
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			var gone, come []*Group[int]
			for range rapid.IntRange(0, min(3, len(groups))).Draw(t, "gone") {
				at := rapid.IntRange(0, len(groups)-1).Draw(t, "at")
				gone = append(gone, groups[at])
				groups = slices.Delete(groups, at, at+1)
			}
			for range rapid.IntRange(0, 4).Draw(t, "come") {
				come = append(come, drawGroup(t, &value))
			}
			groups = append(groups, come...)
			before := ""
			if table != nil {
				before = table.String()
			}
			next := Renew(table, gone, come)
			if got, want := next.String(), anew(groups); got != want {
				t.Fatalf("got\n%swant\n%s", got, want)
			}
			if table != nil && table.String() != before {
				t.Fatalf("the table before was\n%sand is\n%s", before, table)
			}
			table = next
		}
	})
}

// A total order, so that tables do not depend on the order in which groups came.
func TestRanksAreInTheOrderOfTheGatewayAPI(t *testing.T) {
	inOrder := []Rank{
		{1, "HTTPRoute", "z", "z"}, {2, "HTTPRoute", "a", "a"}, {2, "HTTPRoute", "a", "b"}, {2, "GRPCRoute", "a-b", "a"},
		{2, "HTTPRoute", "a-b", "a"}, {2, "HTTPRoute", "a.b", "a"}, {2, "HTTPRoute", "b", "a"}, {3, "GRPCRoute", "a", "a"},
	}
	byID := func(r Rank) string { return r.Namespace + "/" + r.Name }
	for i := range inOrder {
		for j := range inOrder {
			a, b := inOrder[i], inOrder[j]
			want := cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), strings.Compare(byID(a), byID(b)), strings.Compare(a.Kind, b.Kind))
			if got := a.Compare(&b); got != want {
				t.Errorf("%v and %v compare as %d, want %d", a, b, got, want)
			}
		}
	}
}

// One changed host among many is built, and the others are those of before.
func TestRenewBuildsWhatChanged(t *testing.T) {
	var groups []*Group[int]
	for i := range 500 {
		name := fmt.Sprintf("h%d.example.com", i)
		groups = append(groups, &Group[int]{Rank: Rank{Name: name}, Entries: []Entry[int]{{Hostname: name, Written: name, Matcher: &Matcher{path: pathPrefix}, Value: i}}})
	}
	first := Renew(nil, nil, groups)
	changed := *groups[77]
	changed.Entries = slices.Clone(changed.Entries)
	changed.Entries[0].Value = 1000
	second := Renew(first, groups[77:78], []*Group[int]{&changed})
	for i := range groups {
		hostname := groups[i].Entries[0].Hostname
		before, _ := first.hosts.Get(hostname)
		after, _ := second.hosts.Get(hostname)
		if (before == after) != (i != 77) {
			t.Errorf("%s is shared: %v", hostname, before == after)
		}
	}
}
