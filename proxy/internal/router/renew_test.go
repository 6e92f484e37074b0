package router

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawGroup is what a route may have: some entries, with values that tell them apart.
func drawGroup(t *rapid.T, value *int) []Entry[int] {
	var group []Entry[int]
	for range rapid.IntRange(0, 3).Draw(t, "entries") {
		e := drawEntry(t)
		m, err := NewMatcher(&e.match)
		if err != nil {
			t.Fatal(err)
		}
		*value++
		group = append(group, Entry[int]{Hostname: e.host, Written: e.written, Matcher: m, Value: *value})
	}
	return group
}

// Following changes is beginning anew: whatever groups come, go and change places, the
// table is the one that is made of them alone, and the one before stays what it was.
func TestRenewIsBeginningAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := 0
		var groups [][]Entry[int]
		for range rapid.IntRange(0, 8).Draw(t, "groups") {
			groups = append(groups, drawGroup(t, &value))
		}
		table := Renew(nil, groups)
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			groups = slices.Clone(groups)
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				groups = drawChange(t, groups, &value)
			}
			before := table.String()
			next := Renew(table, groups)
			if got, want := next.String(), New(slices.Concat(groups...)).String(); got != want {
				t.Fatalf("got\n%swant\n%s", got, want)
			}
			if next != table && table.String() != before {
				t.Fatalf("the table before was\n%sand is\n%s", before, table)
			}
			table = next
		}
	})
}

func drawChange(t *rapid.T, groups [][]Entry[int], value *int) [][]Entry[int] {
	if len(groups) == 0 {
		return append(groups, drawGroup(t, value))
	}
	at := rapid.IntRange(0, len(groups)-1).Draw(t, "at")
	switch rapid.SampledFrom([]string{"insert", "delete", "replace", "move"}).Draw(t, "change") {
	case "insert":
		return slices.Insert(groups, at, drawGroup(t, value))
	case "delete":
		return slices.Delete(groups, at, at+1)
	case "replace":
		groups[at] = drawGroup(t, value)
		return groups
	default:
		moved := groups[at]
		groups = slices.Delete(groups, at, at+1)
		return slices.Insert(groups, rapid.IntRange(0, len(groups)).Draw(t, "to"), moved)
	}
}

// One changed host among many is built, and the others are those of before.
func TestRenewBuildsWhatChanged(t *testing.T) {
	var groups [][]Entry[int]
	for i := range 500 {
		groups = append(groups, []Entry[int]{{Hostname: fmt.Sprintf("h%d.example.com", i), Written: fmt.Sprintf("h%d.example.com", i), Matcher: &Matcher{path: pathPrefix}, Value: i}})
	}
	first := New(slices.Concat(groups...))
	first.groups = groups
	changed := slices.Clone(groups)
	changed[77] = []Entry[int]{groups[77][0]}
	changed[77][0].Value = 1000
	second := Renew(first, changed)
	for i := range groups {
		hostname := groups[i][0].Hostname
		before, _ := first.hosts.Get(hostname)
		after, _ := second.hosts.Get(hostname)
		if (before == after) != (i != 77) {
			t.Errorf("%s is shared: %v", hostname, before == after)
		}
	}
	if Renew(second, slices.Clone(changed)) != second {
		t.Error("without a change the table is another one")
	}
}
