package netdriver

import (
	"net"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// counted is a connection that was let in, until it is closed.
type counted struct {
	net.Conn
	ticket *overload.Ticket
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.ticket.Leave()
	return c.Conn.Close()
}

// NetConn is the connection below.
func (c *counted) NetConn() net.Conn { return c.Conn }

// CloseWrite ends the sending side.
func (c *counted) CloseWrite() error { return c.Conn.(halfCloser).CloseWrite() }

// SetLinger is that of a *net.TCPConn.
func (c *counted) SetLinger(seconds int) error { return setLinger(c.Conn, seconds) }
