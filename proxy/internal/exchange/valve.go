package exchange

import (
	"github.com/fleetgate/fleetgate/proxy/internal/h2"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// valve has a connection of HTTP/2 read from as far as there is the memory that its
// windows promise. The zero value is open.
type valve struct{ closed bool }

// want returns how much of at most so many bytes is to be read.
func (v *valve) want(l *Loop, c *h2.Conn, most int) int {
	n := l.intake(c, most)
	v.closed = n == 0
	return n
}

// look has the connection read from again where there is no reason any more not to.
func (v *valve) look(l *Loop, c *h2.Conn, io Transport) {
	if v.closed && l.intake(c, 1) > 0 {
		v.closed = false
		io.Resume()
	}
}

// intake is how much may be read of a connection: under overload only as much of its
// data as others have taken on before, and at the last step nothing for which there is
// no room yet.
func (l *Loop) intake(c *h2.Conn, most int) int {
	level := l.opts.Gate.Level()
	switch {
	case level == overload.Normal:
		return most
	case level < overload.RefuseConnections && c.Pending() < maxKept:
		return most
	case level < overload.RefuseConnections || c.Pending() > 0:
		return 0
	}
	return min(most, c.Room())
}
