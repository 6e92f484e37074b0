package collect

import (
	"net/netip"
	"slices"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// endpoints say which backend an address belongs to.
type endpoints struct {
	// first is the backend that counts.
	first map[netip.AddrPort]uint32
	// more are those that an address belongs to beside it, which few do.
	more map[netip.AddrPort][]uint32
}

func newEndpoints(list []probe.Endpoint) endpoints {
	e := endpoints{first: make(map[netip.AddrPort]uint32, len(list)), more: map[netip.AddrPort][]uint32{}}
	for _, of := range list {
		e.add(of)
	}
	return e
}

func (e *endpoints) add(of probe.Endpoint) {
	address := unmap(of.Address)
	first, taken := e.first[address]
	switch {
	case !taken:
		e.first[address] = of.Backend
	case first != of.Backend && !slices.Contains(e.more[address], of.Backend):
		e.more[address] = append(e.more[address], of.Backend)
	}
}

// remove has the next backend count where the first one goes.
func (e *endpoints) remove(of probe.Endpoint) {
	address := unmap(of.Address)
	all := append([]uint32{e.first[address]}, e.more[address]...)
	at := slices.Index(all, of.Backend)
	if at < 0 {
		return
	}
	delete(e.first, address)
	delete(e.more, address)
	for _, backend := range slices.Delete(all, at, at+1) {
		e.add(probe.Endpoint{Address: address, Backend: backend})
	}
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
