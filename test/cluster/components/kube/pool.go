package main

import (
	"errors"
	"net/netip"

	"k8s.io/apimachinery/pkg/types"
)

var errPoolEmpty = errors.New("no address left in the pool")

// pool hands out addresses of a prefix, one for each owner. It is not safe for
// concurrent use.
type pool struct {
	prefix netip.Prefix
	byUID  map[types.UID]netip.Addr
	taken  map[netip.Addr]types.UID
}

func newPool(prefix netip.Prefix) *pool {
	return &pool{prefix: prefix.Masked(), byUID: map[types.UID]netip.Addr{}, taken: map[netip.Addr]types.UID{}}
}

// hold records that the owner has the address already.
func (p *pool) hold(owner types.UID, address netip.Addr) {
	if old, ok := p.byUID[owner]; ok && old != address {
		delete(p.taken, old)
	}
	p.byUID[owner], p.taken[address] = address, owner
}

// retain frees the addresses of all owners that are not live.
func (p *pool) retain(live map[types.UID]bool) {
	for owner, address := range p.byUID {
		if !live[owner] {
			delete(p.byUID, owner)
			delete(p.taken, address)
		}
	}
}

// take returns the owner's address: the one that it has, else the wanted one
// if that lies in the pool and is free, else, if none is wanted, the lowest
// free one. A wanted address that cannot be had is an error, as it would be
// with a cloud's load balancer, not a reason to hand out another.
func (p *pool) take(owner types.UID, wanted string) (netip.Addr, error) {
	if address, ok := p.byUID[owner]; ok {
		return address, nil
	}
	address, err := p.choose(wanted)
	if err != nil {
		return netip.Addr{}, err
	}
	p.hold(owner, address)
	return address, nil
}

func (p *pool) choose(wanted string) (netip.Addr, error) {
	if wanted != "" {
		return p.chooseWanted(wanted)
	}
	// The first address of a prefix names the network itself.
	for a := p.prefix.Addr().Next(); p.prefix.Contains(a); a = a.Next() {
		if _, used := p.taken[a]; !used {
			return a, nil
		}
	}
	return netip.Addr{}, errPoolEmpty
}

func (p *pool) chooseWanted(wanted string) (netip.Addr, error) {
	address, err := netip.ParseAddr(wanted)
	switch {
	case err != nil:
		return netip.Addr{}, err
	case !p.prefix.Contains(address):
		return netip.Addr{}, errors.New("address " + wanted + " is not in the pool " + p.prefix.String())
	}
	if _, used := p.taken[address]; used {
		return netip.Addr{}, errors.New("address " + wanted + " is taken")
	}
	return address, nil
}
