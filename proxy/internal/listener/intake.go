package listener

import (
	"crypto/tls"
	"net"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/l4"
	"github.com/fleetgate/fleetgate/proxy/internal/netdriver"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

const (
	// helloShare is the part of the handshakes that may wait for a hello or a
	// header: each may hold 64 KiB of it.
	helloShare = 4
	// patience is how long they may take to say it.
	patience = 10 * time.Second
)

// intake is a port's listener. It returns the connections that begin with a
// request or a handshake, and looks after the others itself.
type intake struct {
	net.Listener
	driver *goroutines
	port   uint16
}

// Accept implements net.Listener.
func (in *intake) Accept() (net.Conn, error) {
	for {
		nc, err := in.Listener.Accept()
		if err != nil {
			return nil, err
		}
		p := in.driver.port(in.port)
		if p == nil || p.Speech <= snapshot.HTTPS && len(p.TrustedSources) == 0 {
			return nc, nil
		}
		v := newVisitor(nc.(*net.TCPConn), in.driver.set.opts.Gate, in.port)
		if v.ticket == nil {
			v.reset()
			continue
		}
		in.driver.sorting.Go(func() { in.driver.sort(v, in.port) })
	}
}

// sort finds out what a visitor wants, and sees to it.
func (g *goroutines) sort(v *visitor, number uint16) {
	defer v.leave()
	snap := g.set.opts.Snapshot.Load()
	p := snap.Port(number)
	place := g.room.Enter(v.conn)
	if p == nil || place == nil {
		v.conn.Close()
		return
	}
	next := g.receive(v, p)
	if !g.room.Leave(place) || next == nil {
		v.conn.Close()
		return
	}
	next(&l4.Stream{
		Conn: v.conn, Head: v.head, Source: v.source, Destination: v.destination,
		Port: number, ServerName: v.hello.ServerName, Snapshot: snap, Start: v.start,
	})
}

// receive reads what comes before a visitor's own bytes, and returns what is to
// be done with them; nil if there is nothing to be done.
func (g *goroutines) receive(v *visitor, p *snapshot.Port) func(*l4.Stream) {
	if p.Trusts(v.source.Addr()) && v.readProxyHeader() != nil {
		return nil
	}
	var next func(*l4.Stream)
	switch p.Speech {
	case snapshot.TCP:
		next = g.forward(p.TCPListener, p.TCPRule)
	case snapshot.Mixed:
		if v.readHello() != nil {
			return nil
		}
		next = g.receiveTLS(v, p)
	default:
		next = func(st *l4.Stream) { g.hand(v, st.Port) }
	}
	_ = v.conn.SetReadDeadline(time.Time{})
	return next
}

// receiveTLS goes on with a visitor whose hello has been read.
func (g *goroutines) receiveTLS(v *visitor, p *snapshot.Port) func(*l4.Stream) {
	name := []byte(v.hello.ServerName)
	l := p.TLSListener(name)
	if l == nil {
		// Closed and not answered by an alert, as the Gateway API's conformance
		// has it: nobody speaks TLS here for that name.
		return g.set.l4.Refuse
	}
	forward := g.forward(l.Listener, l.Route(name))
	switch l.Handling {
	case snapshot.Passthrough:
		return func(st *l4.Stream) {
			st.Passthrough = true
			forward(st)
		}
	case snapshot.ServeHTTPS:
		return func(st *l4.Stream) { g.hand(v, st.Port) }
	}
	_ = v.conn.SetWriteDeadline(time.Now().Add(patience))
	secured, err := netdriver.Shake(v.replayed(), v.newGreeting(g.set.opts.Gate), p.Terminating.Config, (*tls.Conn).Handshake)
	g.set.l4.Shaken(traffic.Handshake{Listener: l.Listener, How: traffic.EndOfHandshake(err), Took: time.Since(v.start)})
	if err != nil {
		return nil
	}
	_ = v.conn.SetWriteDeadline(time.Time{})
	return func(st *l4.Stream) {
		st.Conn, st.Head = secured, nil
		forward(st)
	}
}

// forward forwards a stream by a rule of a listener.
func (g *goroutines) forward(l *snapshot.Listener, rule *snapshot.Rule) func(*l4.Stream) {
	return func(st *l4.Stream) {
		st.Listener, st.Rule = l, rule
		g.set.l4.Serve(st)
	}
}
