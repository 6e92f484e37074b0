package exchange

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// play is a client, its backends and the clock, which do what a script says in
// whatever order. It is the driver, and holds the Loop to what it promises one.
type play struct {
	t      *testing.T
	loop   *Loop
	client *wire
	// backends are in the order of being dialed. The n-th is to say the n-th of
	// lines, which begin anew after the last one.
	backends []*wire
	lines    [2][]byte
	script   []byte
	cluster  *balance.Cluster
	http2    bool
	// exhausted: there are no sockets to be had.
	exhausted bool
}

// wire is a connection of a play.
type wire struct {
	play *play
	peer Peer
	// in is what the other side has still to say, sent what it was told.
	in, sent []byte
	// connected and ended are of the other side; dead: the Peer has closed it.
	connected, ended, dead bool
	// clogged: the other side does not read; unsent: there is something for it.
	clogged, unsent bool
}

func (w *wire) Write(b []byte) bool {
	if w.dead {
		w.play.t.Errorf("%q is written to what was closed", b)
	}
	w.sent = append(w.sent, b...)
	w.unsent = w.unsent || w.clogged
	return !w.clogged
}

func (w *wire) end() {
	if w.dead {
		w.play.t.Error("a connection is closed twice")
	}
	w.dead = true
}

func (w *wire) Resume()               {}
func (w *wire) Shutdown()             {}
func (w *wire) Close()                { w.end() }
func (w *wire) Drop()                 { w.end() }
func (w *wire) Abort()                { w.end() }
func (w *wire) Silent(Look) bool      { return !w.dead && !w.ended && !w.unsent && len(w.in) == 0 }
func (w *wire) Local() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.9:80") }
func (w *wire) Become(p Peer)         { w.peer = p }

func (p *play) Dial(e *balance.Endpoint, _ *tls.Config, _ []byte, b Backend) Transport {
	if p.exhausted {
		return nil
	}
	p.cluster = e.Cluster
	w := &wire{play: p, peer: b, in: bytes.Clone(p.lines[len(p.backends)%2])}
	p.backends = append(p.backends, w)
	return w
}

// The limits of the backend are low, so that they are met, and whatever is not
// given back is missed.
const playConnections, playPending = 4, 3

// newPlay has a client that speaks HTTP/2 or not, and a backend by a protocol.
func newPlay(t *testing.T, clientHTTP2 bool, protocol string, rule proxyconfig.Rule) *play {
	w := newWorldUnder(&proxyconfig.Policy{
		Limits: &proxyconfig.CircuitLimits{MaxConnections: playConnections, MaxPending: playPending},
	}, protocol, 2, rule)
	w.conn.Broken()
	p := &play{t: t, loop: w.loop, http2: protocol == proxyconfig.BackendHTTP2}
	w.loop.SetDialer(p)
	p.client = &wire{play: p, connected: true}
	p.client.peer = w.loop.Accept(p.client, Origin{Client: netip.MustParseAddrPort("192.0.2.1:1000"), Port: port, HTTP2: clientHTTP2})
	return p
}

// perform goes through the script, has all sides say what is left, and ends.
func (p *play) perform(script []byte) {
	p.script = script
	for len(p.script) > 0 && !p.client.dead {
		p.step(p.next())
	}
	p.exhausted = false
	for p.unclog(); p.carryOn(); {
		p.unclog()
	}
	p.finish()
	p.check()
}

// next returns the next byte of the script, or zero behind its end.
func (p *play) next() (b byte) {
	if len(p.script) > 0 {
		b, p.script = p.script[0], p.script[1:]
	}
	return b
}

// pauses are as long as some of the times that the Loop waits for.
var pauses = []time.Duration{time.Millisecond, 60 * time.Millisecond, time.Second, 5 * time.Second, authTime, mirrorTime, 2 * time.Minute}

// step does what one byte says: what in its lower half, how in the upper one. A
// turn of the driver may have many events, and has one mostly.
func (p *play) step(b byte) {
	how := int(b >> 4)
	switch b & 15 {
	case 0, 1, 2:
		p.says(p.client, how)
	case 3, 4:
		p.connects(p.backend(how))
	case 5, 6, 7:
		p.says(p.backend(how), int(p.next()))
	case 8:
		p.ends(p.backend(how/2), how&1 == 1)
	case 9:
		p.ends(p.client, how&1 == 1)
	case 10:
		p.pass(pauses[how%len(pauses)])
	case 11:
		p.clog(p.client)
	case 12:
		p.clog(p.backend(how))
	case 13:
		p.exhausted = !p.exhausted
	case 14:
		p.client.peer.CloseIdle()
	case 15:
		return
	}
	p.loop.Flush()
}

// backend returns one of those that are not closed, or nil.
func (p *play) backend(n int) *wire {
	var open []*wire
	for _, w := range p.backends {
		if !w.dead {
			open = append(open, w)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return open[n%len(open)]
}

func (p *play) connects(w *wire) {
	if w != nil && !w.dead && !w.connected && !w.ended {
		w.connected = true
		w.peer.(Backend).Connected()
	}
}

// says has the other side say a part of what is left, if somebody listens, and
// reports whether it did. Some of it passes by the Peer if that offers so.
func (p *play) says(w *wire, size int) bool {
	if w == nil || w.dead || w.ended || !w.connected || len(w.in) == 0 {
		return false
	}
	n := min(1<<(size%13), len(w.in))
	n = min(n, max(w.peer.Want(n), w.peer.Ahead()))
	if n <= 0 {
		return false
	}
	if to, most := w.peer.Pass(); to != nil && most > 0 && size&1 == 1 {
		n = int(min(int64(n), most))
		flushed := to.Write(w.in[:n])
		w.in = w.in[n:]
		w.peer.Passed(n, flushed)
		return true
	}
	b := bytes.Clone(w.in[:n])
	w.in = w.in[n:]
	w.peer.Data(b)
	return true
}

var errPlayed = errors.New("reset")

// ends has the other side end its sending, or break.
func (p *play) ends(w *wire, broken bool) {
	switch {
	case w == nil || w.dead:
	case broken && w.connected:
		w.unsent = false
		w.peer.Broken()
	case !w.ended:
		w.peer.Leaving()
		if !w.dead {
			w.ended = true
			w.peer.Ended(map[bool]error{true: errPlayed}[!w.connected])
		}
	}
}

// clog has the other side stop reading, or begin again.
func (p *play) clog(w *wire) {
	if w == nil || w.dead {
		return
	}
	w.clogged = !w.clogged
	if !w.clogged && w.unsent {
		w.unsent = false
		w.peer.Flushed()
	}
}

// unclog has everybody read.
func (p *play) unclog() {
	for i := 0; i <= len(p.backends); i++ {
		w := p.client
		if i > 0 {
			w = p.backends[i-1]
		}
		if w.clogged {
			p.clog(w)
		}
	}
	p.loop.Flush()
}

func (p *play) pass(d time.Duration) {
	p.loop.SetNow(p.loop.Now() + int64(d))
	p.loop.ClearWake()
	p.loop.Sweep()
	p.loop.Flush()
	for _, w := range append(slices.Clone(p.backends), p.client) {
		if !w.dead {
			w.peer.Tick()
		}
	}
}

// carryOn has each side connect, and say what it has to say, and reports whether
// any did.
func (p *play) carryOn() (moved bool) {
	for i := 0; i < len(p.backends); i++ {
		w := p.backends[i]
		moved = moved || !w.connected && !w.dead && !w.ended
		p.connects(w)
		moved = p.says(w, 12) || moved
	}
	moved = p.says(p.client, 12) || moved
	p.loop.Flush()
	return moved
}

// finish ends the client, and what may go on without it.
func (p *play) finish() {
	p.ends(p.client, false)
	p.loop.Flush()
	if !p.client.dead {
		p.client.peer.Broken()
	}
	p.loop.Flush()
	for i := 0; i < len(p.backends); i++ {
		p.ends(p.backends[i], false)
		p.loop.Flush()
	}
	p.pass(mirrorTime)
	p.loop.Flush()
}
