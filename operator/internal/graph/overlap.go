package graph

import (
	"iter"
	"slices"
	"strings"
)

// maxPeers is how many others a listener names. Thousands may share a
// certificate, and if each named all of them, nobody could read it or store it.
const maxPeers = 32

// Peers are listeners that another one is told of.
type Peers struct {
	// Named are the first ones in order, maxPeers at most.
	Named []*Listener
	// More says that there are others beside them.
	More bool
}

// markOverlaps finds the listeners that clients may take for each other when
// they reuse a connection (GEP-3567). It looks names up instead of comparing
// listeners: of n listeners with one certificate each has n-1 peers.
func markOverlaps(listeners []*Listener) {
	on := make(map[socket]*peerIndex)
	for at, l := range listeners {
		if !l.protocol.secure {
			continue
		}
		if on[l.socket()] == nil {
			on[l.socket()] = newPeerIndex()
		}
		on[l.socket()].add(at, l)
	}
	for at, l := range listeners {
		if index := on[l.socket()]; index != nil && l.protocol.secure {
			l.Overlaps = firstOf(listeners, at, index.overlapping(l))
			l.SharedCertificates = firstOf(listeners, at, index.sharing(l))
		}
	}
}

// peerIndex finds the listeners of one socket by their names.
type peerIndex struct {
	// hostnames has the precise ones, wildcards what the others have behind the
	// "*", and below what all hostnames have that could be covered by one.
	hostnames, wildcards, below places
	// certified has the names of certificates, and siblings the parents of these:
	// the wildcard of a certificate stands for one label (RFC 6125, section 6.4.3),
	// and not for several as in hostnames.
	certified, siblings places
}

func newPeerIndex() *peerIndex {
	return &peerIndex{make(places), make(places), make(places), make(places), make(places)}
}

func (x *peerIndex) add(at int, l *Listener) {
	if suffix, wild := wildcard(l.Hostname); wild {
		x.wildcards.add(suffix, at)
	} else {
		x.hostnames.add(l.Hostname, at)
	}
	for suffix := range suffixes(l.Hostname) {
		x.below.add(suffix, at)
	}
	for name := range l.certified() {
		x.certified.add(name, at)
		x.siblings.add(parentOf(name), at)
	}
}

// overlapping are the listeners with a hostname that overlaps with the
// listener's: those that cover it, and those that it covers.
func (x *peerIndex) overlapping(l *Listener) [][]int {
	found := [][]int{x.hostnames[l.Hostname]}
	for suffix := range suffixes(l.Hostname) {
		found = append(found, x.wildcards[suffix])
	}
	if suffix, wild := wildcard(l.Hostname); wild {
		found = append(found, x.below[suffix])
	}
	return found
}

// sharing are the listeners with a certificate for some host that one of the
// listener's is for, too.
func (x *peerIndex) sharing(l *Listener) (found [][]int) {
	for name := range l.certified() {
		parent := parentOf(name)
		found = append(found, x.certified[name], x.certified["*."+parent])
		if name == "*."+parent {
			found = append(found, x.siblings[parent])
		}
	}
	return found
}

// certified are the names of all certificates of the listener.
func (l *Listener) certified() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, certificate := range l.Certificates {
			for _, name := range certificate.Names {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// parentOf is the name without its first label.
func parentOf(name string) string {
	_, parent, _ := strings.Cut(name, ".")
	return parent
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

// places are where a name is found first, in ascending order: as many as it takes
// to name maxPeers beside the one that asks, and to know whether there are more.
type places map[string][]int

func (p places) add(name string, at int) {
	had := p[name]
	if n := len(had); n < maxPeers+2 && (n == 0 || had[n-1] != at) {
		p[name] = append(had, at)
	}
}

// firstOf are the first of the listeners whose places were found, without the one
// that asks.
func firstOf(listeners []*Listener, asks int, found [][]int) Peers {
	all := slices.Concat(found...)
	slices.Sort(all)
	var out Peers
	for _, at := range slices.Compact(all) {
		switch {
		case at == asks:
		case len(out.Named) == maxPeers:
			out.More = true
			return out
		default:
			out.Named = append(out.Named, listeners[at])
		}
	}
	return out
}
