package graph

import (
	"iter"
	"strings"
)

// hostIndex finds what is filed under hostnames that overlap with another one,
// without a look at all of them.
type hostIndex[E any] struct {
	// precise is by hostname, wildcards by what they have behind the "*", and below by
	// what hostnames have that could be covered by one.
	precise, wildcards, below map[string]E
}

func newHostIndex[E any]() hostIndex[E] {
	return hostIndex[E]{precise: make(map[string]E), wildcards: make(map[string]E), below: make(map[string]E)}
}

// add files something under a hostname: enter returns an entry with it, given the
// one that is there.
func (x *hostIndex[E]) add(hostname string, enter func(had E) E) {
	if suffix, wild := wildcard(hostname); wild {
		x.wildcards[suffix] = enter(x.wildcards[suffix])
	} else {
		x.precise[hostname] = enter(x.precise[hostname])
	}
	for suffix := range suffixes(hostname) {
		x.below[suffix] = enter(x.below[suffix])
	}
}

// overlapping are the entries of the hostnames that cover the one given, or that it
// covers. Those of names that nothing is filed under are among them.
func (x *hostIndex[E]) overlapping(hostname string) iter.Seq[E] {
	return func(yield func(E) bool) {
		if !yield(x.precise[hostname]) {
			return
		}
		for suffix := range suffixes(hostname) {
			if !yield(x.wildcards[suffix]) {
				return
			}
		}
		if suffix, wild := wildcard(hostname); wild {
			yield(x.below[suffix])
		}
	}
}

// wildcard returns what a hostname that stands for several has behind its "*".
// One that is empty stands for all, and has nothing there.
func wildcard(hostname string) (suffix string, _ bool) {
	suffix, wild := strings.CutPrefix(hostname, "*")
	return suffix, wild || hostname == ""
}

// suffixes are what wildcards that cover the hostname have behind their "*":
//
//	a.b.example.com -> .b.example.com, .example.com, .com, and nothing
func suffixes(hostname string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 1; i < len(hostname); i++ {
			if hostname[i] == '.' && !yield(hostname[i:]) {
				return
			}
		}
		yield("")
	}
}
