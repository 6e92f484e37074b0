package balance

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// nameWait is how long a configuration waits for the first answers to names that
// are new in it, while the one before it serves.
const nameWait = 500 * time.Millisecond

// maxAddresses bounds the endpoints that one name stands for.
const maxAddresses = 64

// errForbidden is why an answer is of no use.
var errForbidden = errors.New("the answer has no address that may be used")

// External returns the Clusters whose endpoints come from a name.
func (r *Registry) External() []*Cluster {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.external))
}

// resolver is how a Registry talks to whoever resolves names.
type resolver struct {
	running atomic.Bool
	changed chan struct{}
}

func newResolver() *resolver { return &resolver{changed: make(chan struct{}, 1)} }

func (r *resolver) notify() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// name is a hostname of external backends. It is guarded by Registry.mu.
type name struct {
	// addresses are those of the last good answer, sorted.
	addresses []netip.Addr
	// err is why the last answer was no good one; nil if it was. failures counts such
	// answers in a row.
	err      error
	failures int
	// asked is closed once there was an answer of any kind.
	asked chan struct{}
}

func (n *name) answered() bool {
	select {
	case <-n.asked:
		return true
	default:
		return false
	}
}

// awaitNames enters the names of the backends, and waits for those that are new.
func (r *Registry) awaitNames(backends []*proxyconfig.Backend) {
	fresh := r.enterNames(backends)
	if len(fresh) == 0 {
		return
	}
	r.resolver.notify()
	if !r.resolver.running.Load() {
		return
	}
	late := time.After(nameWait)
	for _, n := range fresh {
		select {
		case <-n.asked:
		case <-late:
			return
		}
	}
}

func (r *Registry) enterNames(backends []*proxyconfig.Backend) (fresh []*name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range backends {
		if b.External == nil || r.names[b.External.Hostname] != nil {
			continue
		}
		n := &name{asked: make(chan struct{})}
		r.names[b.External.Hostname] = n
		fresh = append(fresh, n)
	}
	return fresh
}

// forgetNames drops the names that no backend has any more.
func (r *Registry) forgetNames() {
	used := make(map[string]bool, len(r.external))
	for _, b := range r.external {
		used[b.External.Hostname] = true
	}
	for hostname := range r.names {
		if !used[hostname] {
			delete(r.names, hostname)
			r.resolver.notify()
		}
	}
}

// externalEndpoints are what the backend's name stands for. Addresses that a
// backend must not lead to are left out.
func (r *Registry) externalEndpoints(b *proxyconfig.Backend) []proxyconfig.Endpoint {
	n := r.names[b.External.Hostname]
	forbidden, err := b.External.ForbiddenAddresses()
	if n == nil || err != nil {
		return nil
	}
	var list []proxyconfig.Endpoint
	for _, addr := range n.addresses {
		if !leadsTo(forbidden, addr, uint16(b.Port)) {
			list = append(list, proxyconfig.Endpoint{Address: addr.String(), Port: b.Port})
		}
	}
	return list
}

// leadsTo reports whether an address is one of a list, in whatever form.
func leadsTo(list []netip.AddrPort, addr netip.Addr, port uint16) bool {
	return slices.ContainsFunc(append(proxyconfig.EmbeddedAddresses(addr), addr), func(a netip.Addr) bool {
		return slices.Contains(list, netip.AddrPortFrom(a, port))
	})
}

// StartResolving gives the names to the caller, of whom there is one at a time,
// until stop is called. The channel receives something whenever Hostnames may
// return something else.
func (r *Registry) StartResolving() (changed <-chan struct{}, stop func()) {
	r.resolver.running.Store(true)
	r.resolver.notify()
	return r.resolver.changed, func() { r.resolver.running.Store(false) }
}

// Hostname is a name that is to be resolved. One that was forgotten and came back
// is another one, of which nothing is known.
type Hostname struct {
	Name  string
	entry *name
}

// Hostnames returns the names that are to be resolved, sorted.
func (r *Registry) Hostnames() []Hostname {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Hostname, 0, len(r.names))
	for hostname, entry := range r.names {
		list = append(list, Hostname{hostname, entry})
	}
	slices.SortFunc(list, func(a, b Hostname) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Resolved tells what a name stands for. An answer without an address that may be
// used changes nothing, as does an error: the last good answer goes on. It
// returns whether endpoints have changed, and why the answer is of no use.
func (r *Registry) Resolved(hostname string, addresses []netip.Addr, err error) (changed bool, problem error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.names[hostname]
	if n == nil {
		return false, nil
	}
	if !n.answered() {
		defer close(n.asked)
	}
	usable := r.usable(addresses)
	if err == nil && len(usable) == 0 {
		err = errForbidden
	}
	if n.err = err; err != nil {
		n.failures++
		return false, err
	}
	n.failures = 0
	if slices.Equal(n.addresses, usable) {
		return false, nil
	}
	n.addresses = usable
	r.moveEndpoints(hostname)
	return true, nil
}

// usable are the addresses that a backend may have, sorted, each once.
func (r *Registry) usable(addresses []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, addr := range addresses {
		if addr = addr.Unmap().WithZone(""); r.Permit(addr) == nil {
			out = append(out, addr)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	out = slices.Compact(out)
	return out[:min(len(out), maxAddresses)]
}

// moveEndpoints has the Clusters of a name follow it.
func (r *Registry) moveEndpoints(hostname string) {
	for c, b := range r.external {
		if b.External.Hostname != hostname {
			continue
		}
		set := r.endpointSet(c, b, r.externalEndpoints(b), func(error) {})
		r.replace(c, set)
	}
}
