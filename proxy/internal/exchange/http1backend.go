package exchange

import (
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// backendPhase is where an HTTP/1 connection to a backend stands.
type backendPhase uint8

const (
	dialing backendPhase = iota
	// unused: it may carry a request.
	unused
	inHead
	inLength
	inChunks
	// inRest: the body ends with the connection.
	inRest
	switched
)

// http1Backend is an HTTP/1 connection to an endpoint. It carries one exchange
// at a time.
type http1Backend struct {
	loop *Loop
	home *home
	io   Transport
	to   destination
	// x is nil when the connection is in the pool.
	x     *exchange
	phase backendPhase
	// encode: the request's body goes as chunks.
	encode bool
	// unsent: bytes are waiting to be sent.
	unsent bool
	// keep: the connection outlives the response.
	keep bool
	// reused: it has carried another request before.
	reused bool
	// bulky: the response's body is long enough to be passed on. wasPassed: some of
	// it was, or before its head some of the last one.
	bulky, wasPassed bool
	left             int64
	decoder          h1.Decoder
	idleSince        int64
	idle             idleConn
	// partial is the beginning of a response head.
	partial []byte
}

// serve sends an exchange's request, now or when there is a connection.
func (b *http1Backend) serve(x *exchange) {
	b.x, x.up = x, b
	b.loop.idleConns.remove(&b.idle)
	if b.phase == dialing {
		x.connecting = true
		return
	}
	b.reused = true
	b.send()
}

// Connected implements Backend.
func (b *http1Backend) Connected() {
	x := b.x
	b.phase = unused
	x.since = b.loop.now
	b.to.endpoint.Succeeded()
	b.send()
	x.client.resume()
}

// send sends the request with what is there of its body.
func (b *http1Backend) send() {
	x := b.x
	b.phase, b.keep, b.bulky, b.encode = inHead, false, false, x.chunked
	x.asked()
	if !x.chunked {
		end := len(x.buf)
		if x.requestEnded {
			end = int(x.trailer.start)
		}
		b.write(x.buf[x.message:end])
		return
	}
	out := append(b.loop.gather(b), x.buf[x.message:x.body]...)
	if !x.requestEnded {
		out = h1.AppendChunk(out, x.buf[x.body:])
	} else {
		out = h1.AppendChunk(out, x.buf[x.body:x.trailer.start])
		out = h1.AppendLastChunk(out, x.bytes(x.trailer))
	}
	b.loop.out = out
	b.flush()
}

func (b *http1Backend) write(p []byte) {
	if !b.io.Write(p) {
		b.unsent = true
	}
}

func (b *http1Backend) data(p []byte) {
	if b.phase != switched && b.encode {
		b.loop.out = h1.AppendChunk(b.loop.gather(b), p)
		return
	}
	b.loop.send(b, p)
}

func (b *http1Backend) end(trailer []byte) {
	switch {
	case b.phase == switched:
		b.flush()
		b.io.Shutdown()
	case b.encode:
		b.loop.out = h1.AppendLastChunk(b.loop.gather(b), trailer)
	}
}

func (b *http1Backend) flush()        { b.loop.flushFor(b) }
func (b *http1Backend) resume()       { b.io.Resume() }
func (b *http1Backend) blocked() bool { return b.unsent }

// cancel closes the connection: nothing of an exchange that was not completed
// is ever used again.
func (b *http1Backend) cancel() {
	whole := b.x != nil && b.x.tunnelEnded()
	b.x = nil
	b.freePartial()
	b.loop.discardFor(b)
	if whole {
		// By TLS there is a farewell to be sent.
		b.disconnect(Transport.Close)
		return
	}
	b.drop()
}

func (b *http1Backend) drop() { b.disconnect(Transport.Drop) }

// disconnect closes the connection.
func (b *http1Backend) disconnect(how func(Transport)) {
	b.loop.idleConns.leave(&b.idle)
	how(b.io)
	b.to.endpoint.Disconnected()
}

// leave lets go of the exchange, which goes on without this connection.
func (b *http1Backend) leave() *exchange {
	x := b.x
	x.part(b.io)
	x.up = nil
	x.dequeue()
	b.cancel()
	return x
}

func (b *http1Backend) carrier() Transport { return b.io }

func (b *http1Backend) freePartial() {
	if b.partial != nil {
		b.loop.free(b.partial)
		b.partial = nil
	}
}

// guessedHead is how much is read first of a response whose body may well be
// passed on, as that of the last one was: what comes along with its head is not.
const guessedHead = 4 << 10

// Want implements Peer. An idle connection is read to see it end.
func (b *http1Backend) Want(most int) int {
	switch {
	case b.phase == dialing:
		return 0
	case b.x == nil:
		return most
	case b.wasPassed && b.phase == inHead:
		most = min(most, guessedHead)
	}
	return b.x.client.room(most)
}

// Ahead implements Peer.
func (b *http1Backend) Ahead() int { return 0 }

// Leaving implements Peer.
func (b *http1Backend) Leaving() {}

// Broken implements Peer: the backend may have answered before it closed. One
// that has ended its half of a tunnel will not be heard of again.
func (b *http1Backend) Broken() {
	b.unsent = false
	if b.x != nil && b.x.upstreamEnded {
		b.x.upstreamFlushed()
	}
}

// CloseIdle implements Peer: connections to backends are closed by who uses
// them.
func (b *http1Backend) CloseIdle() {}

// Flowed implements Peer.
func (b *http1Backend) Flowed() {
	if b.x != nil {
		b.x.since = b.loop.now
	}
}

// Flushed implements Peer.
func (b *http1Backend) Flushed() {
	b.unsent = false
	if b.x != nil {
		b.x.upstreamFlushed()
	}
}

// Tick implements Peer: it closes what is idle for too long, or not wanted any
// more.
func (b *http1Backend) Tick() {
	l := b.loop
	if b.x == nil && (b.to.endpoint.Gone() || l.now-b.idleSince >= int64(b.home.idle(l)) || l.wanted(b.to.endpoint, b.idleSince)) {
		b.giveUp()
	}
}

// giveUp closes a connection that is idle.
func (b *http1Backend) giveUp() {
	b.home.pool.remove(b)
	b.cancel()
}

// Ended implements Peer.
func (b *http1Backend) Ended(err error) {
	switch {
	case b.x == nil:
		b.giveUp()
	case b.phase == dialing:
		b.leave().notConnected(err)
	case b.phase == inHead:
		begun := len(b.partial) > 0
		reused := b.reused
		b.leave().unanswered(begun, reused)
	case b.phase == inRest && err == nil:
		b.responseEnd(nil)
	case b.phase == switched && err == nil:
		b.x.upstreamEnd()
	default:
		b.leave().broken()
	}
}
