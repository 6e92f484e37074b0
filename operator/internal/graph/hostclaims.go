package graph

// hostClaims are the hostnames that the routes of one kind have on one listener, each
// with whoever claimed it first.
type hostClaims struct {
	hosts hostIndex[claimant]
	count int
}

// claimant is a route with the place of its claim among those of the listener.
type claimant struct {
	route *Route
	place int
}

func newHostClaims() *hostClaims { return &hostClaims{hosts: newHostIndex[claimant]()} }

// add claims a hostname. Whoever has claimed it before stays.
func (h *hostClaims) add(hostname string, route *Route) {
	h.count++
	h.hosts.add(hostname, claimant{route, h.count}.unlessTaken)
}

func (c claimant) unlessTaken(had claimant) claimant {
	if had.route != nil {
		return had
	}
	return c
}

// first returns the first route that has some host in common with the hostnames, or
// nil.
func (h *hostClaims) first(hostnames []string) *Route {
	var found claimant
	for _, hostname := range hostnames {
		for c := range h.hosts.overlapping(hostname) {
			found = found.orEarlier(c)
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
