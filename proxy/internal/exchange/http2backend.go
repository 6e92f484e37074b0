package exchange

import (
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// http2Backend is an HTTP/2 connection to an endpoint, which carries several
// exchanges at a time.
type http2Backend struct {
	loop *Loop
	home *home
	io   Transport
	to   destination
	conn h2.Conn
	// calls are those in progress; the ones that have no stream wait for the
	// connection.
	calls []*http2Call
	// connected: dialing has succeeded. pending: the connection is in
	// Loop.dirty. closed: it takes no exchange any more.
	// ended: it is closed altogether.
	connected, pending, closed, ended bool
	idleSince                         int64
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
	return b.conn.CanOpen() && b.io.Silent(Glance)
}

// serve sends an exchange's request, now or when there is a connection. It
// returns false if too many wait already.
func (b *http2Backend) serve(x *exchange) bool {
	if !b.connected && !x.try.queued && !x.queue() {
		return false
	}
	call := b.loop.newCall()
	call.conn, call.x = b, x
	x.up = call
	b.calls = append(b.calls, call)
	if b.connected {
		call.open()
	} else {
		x.connecting = true
	}
	return true
}

// remove lets go of a call that has ended.
func (b *http2Backend) remove(call *http2Call) {
	i := slices.Index(b.calls, call)
	n := len(b.calls) - 1
	b.calls[i], b.calls[n] = b.calls[n], nil
	b.calls = b.calls[:n]
	if n == 0 {
		b.idleSince = b.loop.now
		if !b.connected && !b.ended {
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
	for i := 0; i < len(b.calls); i++ {
		call := b.calls[i]
		call.x.since = b.loop.now
		call.open()
		call.x.client.resume()
	}
	b.loop.dirt(b)
}

// Want implements Peer. What the backend may send before it is wanted is a
// matter of HTTP/2's own windows.
func (b *http2Backend) Want(most int) int {
	if !b.connected {
		return 0
	}
	return most
}

// Ahead implements Peer.
func (b *http2Backend) Ahead() int { return 0 }

// Data implements Peer.
func (b *http2Backend) Data(p []byte) {
	b.conn.Receive(b.loop.now, p)
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
func (b *http2Backend) Ended(error) {
	b.retire()
	if b.connected {
		b.conn.Closed()
	} else {
		for len(b.calls) > 0 {
			b.calls[0].leave().connectFailed(502)
		}
	}
	b.end(Transport.Drop)
}

// Tick implements Peer: it closes what is idle for too long, or not wanted any
// more.
func (b *http2Backend) Tick() {
	if len(b.calls) > 0 {
		return
	}
	b.conn.Trim()
	idle := time.Duration(b.loop.now-b.idleSince) >= b.loop.limits.PoolIdle
	if !b.closed && !idle && !b.to.endpoint.Gone() {
		return
	}
	b.retire()
	b.conn.Drain()
	b.loop.dirt(b)
}

// writeOut sends what the connection has to say, and closes it if that was the
// last.
func (b *http2Backend) writeOut() {
	b.pending = false
	if !b.connected {
		return
	}
	writeFrames(&b.conn, b.io)
	if b.conn.Err() != nil || b.conn.Drained() {
		b.retire()
		b.end(Transport.Close)
	}
}

func (b *http2Backend) mark() bool {
	was := b.pending
	b.pending = true
	return was
}
