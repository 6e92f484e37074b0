package graph

// hostClaims are the hostnames that the routes of one kind have on one listener. It
// tells who has a host in common with another route without a look at all of them.
type hostClaims struct {
	// exact is by hostname, wildcards by what they have behind the "*", and below by
	// what hostnames have that could be covered by one.
	exact, wildcards, below map[string]claimant
	count                   int
}

// claimant is a route with the place of its claim among those of the listener.
type claimant struct {
	route *Route
	place int
}

func newHostClaims() *hostClaims {
	return &hostClaims{exact: map[string]claimant{}, wildcards: map[string]claimant{}, below: map[string]claimant{}}
}

// add claims a hostname. Whoever has claimed it before stays.
func (h *hostClaims) add(hostname string, route *Route) {
	c := claimant{route, h.count}
	h.count++
	if suffix, wild := wildcard(hostname); wild {
		c.claim(h.wildcards, suffix)
	} else {
		c.claim(h.exact, hostname)
	}
	for suffix := range suffixes(hostname) {
		c.claim(h.below, suffix)
	}
}

func (c claimant) claim(names map[string]claimant, name string) {
	if _, taken := names[name]; !taken {
		names[name] = c
	}
}

// first returns the first route that has some host in common with the hostnames, or
// nil.
func (h *hostClaims) first(hostnames []string) *Route {
	var found claimant
	for _, hostname := range hostnames {
		found = found.orEarlier(h.exact[hostname])
		if suffix, wild := wildcard(hostname); wild {
			found = found.orEarlier(h.below[suffix])
		}
		for suffix := range suffixes(hostname) {
			found = found.orEarlier(h.wildcards[suffix])
		}
	}
	return found.route
}

func (c claimant) orEarlier(other claimant) claimant {
	if c.route == nil || other.route != nil && other.place < c.place {
		return other
	}
	return c
}
