package node

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// setUpNetwork gives the namespace the node's address. There is no default
// route and no interface that leads out: a packet to anywhere else fails at
// once with "network is unreachable".
func setUpNetwork() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("finding the loopback interface: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("setting the loopback interface up: %w", err)
	}
	node, err := nodeInterface()
	if err != nil {
		return err
	}
	// Services' and balancers' addresses exist in kube-proxy's rules only. A
	// packet must find some route before those rules see it.
	for _, prefix := range []string{layout.ServiceNet, layout.LoadBalancerNet} {
		if err := addRoute(node, prefix); err != nil {
			return err
		}
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1\n"), 0); err != nil {
		return fmt.Errorf("turning on forwarding: %w", err)
	}
	return nil
}

// nodeInterface makes a veth pair with both ends here, as a kernel without the
// dummy driver has nothing simpler that carries an address and routes.
func nodeInterface() (netlink.Link, error) {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = "node0"
	pair := &netlink.Veth{LinkAttrs: attributes, PeerName: "node0-peer"}
	if err := netlink.LinkAdd(pair); err != nil {
		return nil, fmt.Errorf("making the node's interface: %w", err)
	}
	for _, name := range []string{pair.PeerName, attributes.Name} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return nil, fmt.Errorf("finding interface %s: %w", name, err)
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return nil, fmt.Errorf("setting interface %s up: %w", name, err)
		}
	}
	node, err := netlink.LinkByName(attributes.Name)
	if err != nil {
		return nil, fmt.Errorf("finding the node's interface: %w", err)
	}
	address, err := netlink.ParseAddr(layout.NodeNet)
	if err != nil {
		return nil, fmt.Errorf("parsing the node's address: %w", err)
	}
	if err := netlink.AddrAdd(node, address); err != nil {
		return nil, fmt.Errorf("setting the node's address: %w", err)
	}
	return node, nil
}

func addRoute(link netlink.Link, prefix string) error {
	_, destination, err := net.ParseCIDR(prefix)
	if err != nil {
		return fmt.Errorf("parsing route %s: %w", prefix, err)
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: destination, Scope: netlink.SCOPE_LINK}); err != nil {
		return fmt.Errorf("adding route %s: %w", prefix, err)
	}
	return nil
}
