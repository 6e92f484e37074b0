package sockinfo

import (
	"net"
	"syscall"

	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// ReadFrom is Read for a connection of package net, or one that wraps it, as TLS
// does.
func ReadFrom(c net.Conn) (s traffic.Socket) {
	for {
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = inner.NetConn()
	}
	raw, ok := c.(syscall.Conn)
	if !ok {
		return s
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return s
	}
	// A connection that is closed leaves s as it is.
	_ = control.Control(func(fd uintptr) { s = Read(int(fd)) })
	return s
}
