package l4

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// controlSize is the room for the packet information of one datagram.
const controlSize = 128

// localAddr is the address of this machine that a datagram was sent to, and
// for a link-local one the interface.
type localAddr struct {
	addr  netip.Addr
	iface uint32
}

// wantLocalAddr has a socket tell the local address of each datagram.
func wantLocalAddr(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		if set != nil {
			// It is a socket of IPv4 alone.
			set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	})
	return errors.Join(err, set)
}

// localAddrOf finds the local address in the control messages of a datagram. It
// allocates nothing.
func localAddrOf(control []byte) localAddr {
	for len(control) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			l := localAddr{addr: netip.AddrFrom16([16]byte(data[:16]))}
			if l.addr.IsLinkLocalUnicast() {
				l.iface = binary.NativeEndian.Uint32(data[16:])
			}
			return l
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			return localAddr{addr: netip.AddrFrom4([4]byte(data[4:8]))}
		}
		control = rest
	}
	return localAddr{}
}

// control is the message by which a datagram leaves from the address; nil where
// that is not known.
func (l localAddr) control() []byte {
	switch {
	case l.addr.Is4():
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: l.addr.As4()})
	case l.addr.IsValid():
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: l.addr.As16(), Ifindex: l.iface})
	}
	return nil
}
