package netdriver

import (
	"crypto/tls"
	"net"
)

// halfCloser is what TCP and TLS connections have in common.
type halfCloser interface{ CloseWrite() error }

// lingerer can be closed by a reset.
type lingerer interface{ SetLinger(seconds int) error }

func shutdown(nc net.Conn) {
	if h, ok := nc.(halfCloser); ok {
		// A peer that is gone already makes no difference.
		_ = h.CloseWrite()
	}
}

// tcp returns the connection below TLS: closing that does not wait for
// anybody.
func tcp(nc net.Conn) net.Conn {
	if t, ok := nc.(*tls.Conn); ok {
		return t.NetConn()
	}
	return nc
}

// reset closes a connection so that the other side sees it broken off.
func reset(nc net.Conn) {
	nc = tcp(nc)
	// Without it the end looks like one in good order, which is all that can be
	// had.
	_ = setLinger(nc, 0)
	nc.Close()
}

// setLinger sets what nc has of it.
func setLinger(nc net.Conn, seconds int) error {
	if l, ok := nc.(lingerer); ok {
		return l.SetLinger(seconds)
	}
	return nil
}
