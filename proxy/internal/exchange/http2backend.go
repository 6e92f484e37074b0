package exchange

import (
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// http2Backend is an HTTP/2 connection to an endpoint, which carries several
// exchanges at a time.
type http2Backend struct {
	loop  *Loop
	home  *home
	io    Transport
	to    destination
	conn  h2.Conn
	valve valve
	// calls are those in progress; the ones that have no stream wait for the
	// connection.
	calls []*http2Call
	// connected: dialing has succeeded. holds: there may be calls that wait for
	// the backend's settings. pending: the connection is in Loop.dirty. closed: it
	// takes no exchange any more. ended: it is closed altogether.
	connected, holds, pending, closed, ended bool
	// proven: it has brought an answer.
	proven    bool
	idleSince int64
	// askedAt is when something was sent first after what came last.
	askedAt int64
	idle    idleConn
}

// maxCalls bounds the exchanges that wait for a connection which is being
// made, and so does not say how many it takes.
const maxCalls = 100

// takes reports whether the connection takes another exchange.
func (b *http2Backend) takes() bool {
	switch {
	case b.closed || b.to.endpoint.Gone():
		return false
	case !b.connected:
		return len(b.calls) < maxCalls
	}
	return b.conn.CanOpen() && !b.overdue() && b.io.Silent(Glance)
}

// choked reports whether clients that are slow hold much of the connection's
// window.
func (b *http2Backend) choked() bool { return b.connected && b.conn.Choked() }

// serve sends an exchange's request, now or when there is a connection. It
// returns false if too many wait already.
func (b *http2Backend) serve(x *exchange) bool {
	ready := b.ready(x)
	if !ready && !x.try.queued && !x.queue() {
		return false
	}
	call := b.loop.newCall()
	call.conn, call.x = b, x
	x.up = call
	b.calls = append(b.calls, call)
	b.loop.idleConns.remove(&b.idle)
	if ready {
		call.open()
		return true
	}
	x.connecting, b.holds = true, b.holds || b.connected
	b.loop.wakeAt(x.connectBy)
	return true
}

// ready reports whether an exchange's request can be sent: that for a WebSocket
// waits until the backend's settings say how.
func (b *http2Backend) ready(x *exchange) bool {
	return b.connected && (!x.bootstraps || b.conn.Settled())
}

// openWaiting sends the requests that can be sent now.
func (b *http2Backend) openWaiting() {
	b.holds = false
	for _, call := range slices.Clone(b.calls) {
		switch {
		case call.conn != b || call.stream != nil:
		case !b.ready(call.x):
			b.holds = true
		case b.conn.CanOpen():
			c := call.x.client
			call.x.since = b.loop.now
			call.open()
			c.resume()
		default:
			call.leave().notAsked()
		}
	}
}

// giveUpHeld lets go of the calls that wait for settings which will not come.
func (b *http2Backend) giveUpHeld() {
	for _, call := range slices.Clone(b.calls) {
		if call.conn == b && call.stream == nil {
			call.leave().refused(false)
		}
	}
}

// remove lets go of a call that has ended.
func (b *http2Backend) remove(call *http2Call) {
	i := slices.Index(b.calls, call)
	n := len(b.calls) - 1
	b.calls[i], b.calls[n] = b.calls[n], nil
	b.calls = b.calls[:n]
	if n == 0 {
		b.idleSince = b.loop.now
		switch {
		case b.ended:
		case b.connected:
			b.loop.idleConns.add(&b.idle)
		default:
			// Nobody waits for it any more.
			b.retire()
			b.end(Transport.Drop)
		}
	}
}

// end closes the connection.
func (b *http2Backend) end(how func(Transport)) {
	if !b.ended {
		b.ended = true
		b.loop.idleConns.leave(&b.idle)
		how(b.io)
		b.to.endpoint.Disconnected()
	}
}

// retire has the connection take no further exchange.
func (b *http2Backend) retire() {
	if !b.closed {
		b.closed = true
		b.home.multiplexed.remove(b)
	}
}

// Connected implements Backend.
func (b *http2Backend) Connected() {
	b.connected = true
	b.to.endpoint.Succeeded()
	b.conn.Init(h2.Client, &b.loop.http2, (*responseEvents)(b), b.loop.now)
	b.openWaiting()
	b.loop.dirt(b)
}

// Want implements Peer. What the backend may send before it is wanted is a
// matter of HTTP/2's own windows, as long as there is the memory that they promise.
func (b *http2Backend) Want(most int) int {
	if !b.connected {
		return 0
	}
	return b.valve.want(b.loop, &b.conn, most)
}

// Ahead implements Peer.
func (b *http2Backend) Ahead() int { return 0 }

// Data implements Peer.
func (b *http2Backend) Data(p []byte) {
	b.loop.hold()
	b.conn.Receive(b.loop.now, p)
	b.loop.unhold()
	if b.holds {
		b.openWaiting()
	}
	b.loop.dirt(b)
}

// Leaving implements Peer.
func (b *http2Backend) Leaving() {}

// Broken implements Peer: what came before is still read.
func (b *http2Backend) Broken() {
	if b.connected {
		b.conn.Written(true)
	}
}

// CloseIdle implements Peer: connections to backends are closed by who uses
// them.
func (b *http2Backend) CloseIdle() {}

// Flushed implements Peer.
func (b *http2Backend) Flushed() {
	b.conn.Written(true)
	b.loop.dirt(b)
}

// Ended implements Peer.
func (b *http2Backend) Ended(err error) {
	b.retire()
	if b.connected {
		b.conn.Closed()
		b.giveUpHeld()
	} else {
		for len(b.calls) > 0 {
			b.calls[0].leave().notConnected(err)
		}
	}
	b.end(Transport.Drop)
}

// Tick implements Peer: it closes what is idle for too long, or not wanted any
// more.
func (b *http2Backend) Tick() {
	if len(b.calls) > 0 {
		b.valve.look(b.loop, &b.conn, b.io)
		b.watch()
		return
	}
	b.conn.Trim()
	idle := time.Duration(b.loop.now-b.idleSince) >= b.home.idle(b.loop)
	if !b.closed && !idle && !b.to.endpoint.Gone() && !b.loop.wanted(b.to.endpoint, b.idleSince) {
		return
	}
	b.retire()
	b.conn.Drain()
	b.loop.dirt(b)
}

// giveUp closes a connection that carries nothing, at once. It may be in the middle
// of what it has just received. Who can take a farewell without being waited for
// gets one (RFC 9113, section 6.8).
func (b *http2Backend) giveUp() {
	b.retire()
	if b.io.Silent(Glance) {
		b.conn.Drain()
		writeFrames(&b.conn, b.io)
	}
	b.end(Transport.Close)
}

// writeOut sends what the connection has to say, and closes it if that was the
// last.
func (b *http2Backend) writeOut() {
	b.pending = false
	// It may have been given up since there was something to say.
	if !b.connected || b.ended {
		return
	}
	writeFrames(&b.conn, b.io)
	if b.conn.Err() != nil || b.conn.Drained() {
		b.retire()
		b.giveUpHeld()
		b.end(Transport.Close)
		return
	}
	b.valve.look(b.loop, &b.conn, b.io)
}

func (b *http2Backend) mark() bool {
	was := b.pending
	b.pending = true
	return was
}
