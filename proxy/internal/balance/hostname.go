package balance

import (
	"cmp"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// lastingFailures is how many answers in a row that are of no use make a problem that
// is told. With the pauses between lookups it takes seconds.
const lastingFailures = 4

// HostnameProblems returns the hostnames of external backends that have not led where
// they should for some time, sorted, each once with each port.
func (r *Registry) HostnameProblems() []proxyconfig.HostnameProblem {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []proxyconfig.HostnameProblem
	for _, b := range r.external {
		if reason, stale := r.hostnameProblem(b); reason != "" {
			list = append(list, proxyconfig.HostnameProblem{Hostname: b.External.Hostname, Port: b.Port, Reason: reason, Stale: stale})
		}
	}
	slices.SortFunc(list, func(a, b proxyconfig.HostnameProblem) int {
		return cmp.Or(strings.Compare(a.Hostname, b.Hostname), cmp.Compare(a.Port, b.Port))
	})
	return slices.Compact(list)
}

// hostnameProblem returns an empty reason for a backend whose name is well.
func (r *Registry) hostnameProblem(b *proxyconfig.Backend) (reason string, stale bool) {
	n := r.names[b.External.Hostname]
	if n == nil || !n.answered() {
		return "", false
	}
	led := len(r.externalEndpoints(b)) > 0
	switch {
	case n.failures >= lastingFailures:
		return reasonOf(n.err), led
	case len(n.addresses) > 0 && !led:
		return proxyconfig.HostnameForbidden, false
	}
	return "", false
}

// reasonOf leaves the text of the error alone, in which ports and addresses of lookups
// change.
func reasonOf(err error) string {
	var failed *net.DNSError
	switch {
	case errors.Is(err, errForbidden):
		return proxyconfig.HostnameForbidden
	case errors.As(err, &failed) && failed.IsNotFound:
		return proxyconfig.HostnameNotFound
	}
	return proxyconfig.HostnameNoAnswer
}

// NameCounts are the hostnames of external backends by state.
type NameCounts struct {
	// Resolved have a good last answer, Stale go on with an earlier one, and
	// Unresolved never had one.
	Resolved, Stale, Unresolved int
}

// NameCounts returns how many hostnames there are.
func (r *Registry) NameCounts() NameCounts {
	r.mu.Lock()
	defer r.mu.Unlock()
	var counts NameCounts
	for _, n := range r.names {
		switch {
		case len(n.addresses) == 0:
			counts.Unresolved++
		case n.err != nil:
			counts.Stale++
		default:
			counts.Resolved++
		}
	}
	return counts
}
