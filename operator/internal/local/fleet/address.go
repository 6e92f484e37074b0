package fleet

import (
	"fmt"
	"net/netip"

	"k8s.io/apimachinery/pkg/types"
)

// firstBlock is the second octet of the first class's addresses.
const firstBlock = 77

// maxHosts bounds the Gateways of one class.
const maxHosts = 254

// addresses gives each Gateway a loopback address that it keeps: Linux answers
// on all of 127.0.0.0/8 without any set-up. The classes get a block each, from
// 127.77.0.0/24 on, and the Gateways the numbers in it.
type addresses struct {
	first  byte
	blocks map[string]byte
	taken  map[types.NamespacedName]netip.Addr
}

func newAddresses(first byte) *addresses {
	return &addresses{first: first, blocks: map[string]byte{}, taken: map[types.NamespacedName]netip.Addr{}}
}

// take returns the Gateway's address: the one it wants, if that is free, else
// the one it has, else the next of its class.
func (a *addresses) take(key types.NamespacedName, class string, want netip.Addr) (netip.Addr, error) {
	have, ok := a.taken[key]
	if want.IsValid() {
		if owner, used := a.owner(want); used && owner != key {
			return netip.Addr{}, fmt.Errorf("address %s is Gateway %s's", want, owner)
		}
		a.taken[key] = want
		return want, nil
	}
	if ok {
		return have, nil
	}
	next, err := a.next(class)
	if err == nil {
		a.taken[key] = next
	}
	return next, err
}

func (a *addresses) release(key types.NamespacedName) { delete(a.taken, key) }

func (a *addresses) owner(address netip.Addr) (types.NamespacedName, bool) {
	for key, taken := range a.taken {
		if taken == address {
			return key, true
		}
	}
	return types.NamespacedName{}, false
}

func (a *addresses) next(class string) (netip.Addr, error) {
	block, ok := a.blocks[class]
	if !ok {
		block = a.first + byte(len(a.blocks))
		a.blocks[class] = block
	}
	for host := byte(1); host <= maxHosts; host++ {
		address := netip.AddrFrom4([4]byte{127, block, 0, host})
		if _, used := a.owner(address); !used {
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("class %s has %d Gateways already", class, maxHosts)
}
