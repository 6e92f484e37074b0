package graph

import "strings"

// markOverlaps finds the listeners that clients may take for each other when
// they reuse a connection (GEP-3567).
func markOverlaps(listeners []*Listener) {
	names := make(map[*Listener]hostSet, len(listeners))
	for i, l := range listeners {
		if !l.protocol.secure {
			continue
		}
		names[l] = l.certified()
		for _, other := range listeners[:i] {
			if !l.samePort(other) {
				continue
			}
			if overlap(l.Hostname, other.Hostname) {
				l.Overlaps = append(l.Overlaps, other)
				other.Overlaps = append(other.Overlaps, l)
			}
			if names[l].meets(names[other]) {
				l.SharedCertificates = append(l.SharedCertificates, other)
				other.SharedCertificates = append(other.SharedCertificates, l)
			}
		}
	}
}

// overlap says whether some host is covered by both hostnames.
func overlap(a, b string) bool {
	return a == "" || b == "" || a == b || covers(a, b) || covers(b, a)
}

// hostSet are the names that certificates are for. The wildcard of one stands for
// one label (RFC 6125, section 6.4.3), and not for several as in hostnames.
type hostSet map[string]struct{}

// certified are the names of all certificates of the listener.
func (l *Listener) certified() hostSet {
	set := make(hostSet)
	for _, certificate := range l.Certificates {
		for _, name := range certificate.Names {
			set[name] = struct{}{}
		}
	}
	return set
}

// meets says whether certificates of both sets are for some host.
func (s hostSet) meets(other hostSet) bool { return s.within(other) || other.within(s) }

// within says whether one of the names is among the others, or covered by one.
func (s hostSet) within(other hostSet) bool {
	for name := range s {
		if _, same := other[name]; same {
			return true
		}
		_, parent, _ := strings.Cut(name, ".")
		if _, covered := other["*."+parent]; covered {
			return true
		}
	}
	return false
}
