package listener

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/netdriver"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/proxyproto"
	"github.com/fleetgate/fleetgate/proxy/internal/sni"
)

// visitor is a connection of which it is not known yet what it wants.
type visitor struct {
	conn *net.TCPConn
	// ticket is what it was let in with, nil once a driver has it.
	ticket *overload.Ticket
	start  time.Time
	// source and destination are the connection's own addresses, unless a header
	// that is believed tells others.
	source, destination netip.AddrPort
	// head is what was read and belongs to the session.
	head     []byte
	hello    sni.Hello
	greeting *netdriver.Greeting
}

// newVisitor lets a connection in by the door of a port.
func newVisitor(nc *net.TCPConn, g *overload.Gate, port uint16) *visitor {
	v := &visitor{
		conn: nc, ticket: g.Door(port).Ticket(), start: time.Now(),
		source: unmapped(nc.RemoteAddr()), destination: unmapped(nc.LocalAddr()),
	}
	v.greeting = v.newGreeting(g)
	return v
}

// newGreeting bounds what the visitor says from now on, and takes for all of it.
func (v *visitor) newGreeting(g *overload.Gate) *netdriver.Greeting {
	return netdriver.NewGreeting(g, v.start, patience)
}

// leave counts the visitor out, unless a driver has it.
func (v *visitor) leave() {
	if v.ticket != nil {
		v.ticket.Leave()
	}
}

// reset closes the connection in a way that leaves nothing behind.
func (v *visitor) reset() {
	_ = v.conn.SetLinger(0)
	v.conn.Close()
}

func unmapped(a net.Addr) netip.AddrPort {
	ap := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// readSize is what is read at once: most hellos.
const readSize = 2 << 10

// more appends to head what comes next.
func (v *visitor) more() error {
	v.head = slices.Grow(v.head, readSize)
	n, err := v.greeting.Read(v.conn, v.head[len(v.head):cap(v.head)])
	v.head = v.head[:len(v.head)+n]
	if n > 0 {
		return nil
	}
	return err
}

// readProxyHeader reads a PROXY protocol header, which must be there.
func (v *visitor) readProxyHeader() error {
	for {
		h, n, err := proxyproto.Parse(v.head)
		switch {
		case errors.Is(err, proxyproto.ErrIncomplete):
			err = v.more()
		case err == nil:
			v.head = v.head[n:]
			if h.Source.IsValid() {
				v.source, v.destination = h.Source, h.Destination
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readHello reads a TLS hello, which stays in head.
func (v *visitor) readHello() error {
	var p sni.Parser
	for {
		h, err := p.Parse(v.head)
		if err == nil {
			v.hello = h
			return nil
		}
		if errors.Is(err, sni.ErrIncomplete) {
			err = v.more()
		}
		if err != nil {
			return err
		}
	}
}

// replayed is the connection as if nothing had been read from it.
func (v *visitor) replayed() *replayed {
	return &replayed{Conn: v.conn, head: v.head, remote: net.TCPAddrFromAddrPort(v.source), local: net.TCPAddrFromAddrPort(v.destination)}
}

// replayed is a connection whose first bytes were read before. It has only what
// net.Conn asks for, so that nobody reads past them.
type replayed struct {
	net.Conn
	head   []byte
	remote net.Addr
	local  net.Addr
	// ticket, if there is one, is given back with the connection's end.
	ticket *overload.Ticket
}

// Close implements net.Conn.
func (r *replayed) Close() error {
	if r.ticket != nil {
		r.ticket.Leave()
	}
	return r.Conn.Close()
}

// Read implements net.Conn.
func (r *replayed) Read(b []byte) (int, error) {
	if len(r.head) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.head)
	if r.head = r.head[n:]; len(r.head) == 0 {
		r.head = nil
	}
	return n, nil
}

// RemoteAddr is the client's address, which a proxy in front may have told.
func (r *replayed) RemoteAddr() net.Addr { return r.remote }

// LocalAddr is what the client has connected to, which a proxy in front may have
// told.
func (r *replayed) LocalAddr() net.Addr { return r.local }

// NetConn is the connection below, whose bytes are not to be read.
func (r *replayed) NetConn() net.Conn { return r.Conn }

// SetLinger is that of a *net.TCPConn.
func (r *replayed) SetLinger(seconds int) error { return r.Conn.(*net.TCPConn).SetLinger(seconds) }
