//go:build linux

package epoll

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/custody"
	"github.com/fleetgate/fleetgate/proxy/internal/keepalive"
)

// listen opens n sockets that share a port: the kernel spreads connections
// over them.
func listen(bind netip.Addr, port uint16, n int) ([]int, error) {
	// Sockets that share a port may be another process's. Nobody else must
	// have it, so one that does not share is tried first.
	probe, err := bound(bind, port, 0)
	if err != nil {
		return nil, err
	}
	unix.Close(probe)
	var fds []int
	for range n {
		fd, err := bound(bind, port, 1)
		if err == nil {
			// Who is accepted has them, too.
			_ = keepalive.Set(fd)
			if err = unix.Listen(fd, unix.SOMAXCONN); err != nil {
				unix.Close(fd)
				err = fmt.Errorf("listen: %w", err)
			}
		}
		if err != nil {
			custody.CloseAll(fds)
			return nil, err
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// bound returns a socket that is bound to an address, or if bind is the zero
// Addr to all addresses: of both families, where the machine has both.
func bound(bind netip.Addr, port uint16, share int) (int, error) {
	if bind.IsValid() {
		return boundTo(netip.AddrPortFrom(bind, port), share)
	}
	fd, err := boundTo(netip.AddrPortFrom(netip.IPv6Unspecified(), port), share)
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) {
		return boundTo(netip.AddrPortFrom(netip.IPv4Unspecified(), port), share)
	}
	return fd, err
}

func boundTo(a netip.AddrPort, share int) (int, error) {
	fd, err := stream(a)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, share))
	if a.Addr().Is6() {
		only := 1
		if a.Addr().IsUnspecified() {
			only = 0
		}
		err = errors.Join(err, unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only))
	}
	if err == nil {
		if err = unix.Bind(fd, sockaddr(a)); err != nil {
			err = fmt.Errorf("bind %v: %w", a, err)
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// stream returns a socket for an address's family.
func stream(a netip.AddrPort) (int, error) {
	family := unix.AF_INET6
	if a.Addr().Is4() {
		family = unix.AF_INET
	}
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
