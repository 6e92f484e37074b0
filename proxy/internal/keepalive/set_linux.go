package keepalive

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// inherited keeps package net from setting options of its own, four calls for each
// connection.
const inherited = time.Duration(-1)

var own net.KeepAliveConfig

// Set sets all options of a TCP socket, which may be one that listens.
func Set(fd int) error {
	return errors.Join(ask(fd), unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(UserTimeout.Milliseconds())))
}

func ask(fd int) error {
	return errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(Idle.Seconds())),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(Interval.Seconds())),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, Count))
}

// Lift takes back the UserTimeout of a socket.
func Lift(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 0) }
