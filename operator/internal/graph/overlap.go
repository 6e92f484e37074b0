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

// Overlapping says whether the listener has peers of either kind.
func (l *Listener) Overlapping() bool {
	return len(l.Overlaps.Named)+len(l.SharedCertificates.Named) > 0
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
	hosts hostIndex[places]
	// certified has the names of certificates, and siblings the parents of these:
	// the wildcard of a certificate stands for one label (RFC 6125, section 6.4.3),
	// and not for several as in hostnames.
	certified, siblings map[string]places
}

func newPeerIndex() *peerIndex {
	return &peerIndex{newHostIndex[places](), make(map[string]places), make(map[string]places)}
}

func (x *peerIndex) add(at int, l *Listener) {
	x.hosts.add(l.Hostname, func(had places) places { return had.with(at) })
	for name := range l.certified() {
		x.certified[name] = x.certified[name].with(at)
		x.siblings[parentOf(name)] = x.siblings[parentOf(name)].with(at)
	}
}

// overlapping are the listeners with a hostname that overlaps with the listener's.
func (x *peerIndex) overlapping(l *Listener) []places {
	return slices.Collect(x.hosts.overlapping(l.Hostname))
}

// sharing are the listeners with a certificate for some host that one of the
// listener's is for, too.
func (x *peerIndex) sharing(l *Listener) (found []places) {
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

// places are where a name is found first, in ascending order: as many as it takes
// to name maxPeers beside the one that asks, and to know whether there are more.
type places []int

func (p places) with(at int) places {
	if n := len(p); n < maxPeers+2 && (n == 0 || p[n-1] != at) {
		return append(p, at)
	}
	return p
}

// firstOf are the first of the listeners whose places were found, without the one
// that asks.
func firstOf(listeners []*Listener, asks int, found []places) Peers {
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
