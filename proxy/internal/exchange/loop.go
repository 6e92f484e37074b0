package exchange

import (
	"crypto/tls"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Options are what the Conns of a Loop share with the rest of the proxy.
type Options struct {
	// Snapshot is read at the first byte of each request. It may hold nil:
	// every request is answered 404.
	Snapshot *atomic.Pointer[snapshot.Snapshot]
	// Observer is told of every finished request; nil is allowed.
	Observer traffic.Observer
	// Spans takes what is recorded of requests; nil records nothing.
	Spans tracing.Sink
	// Draining, once true, has every response announce the connection's end.
	Draining *atomic.Bool
	// Epoch is the wall clock time of instant zero.
	Epoch time.Time
	// Seed makes request identifiers differ among loops and processes.
	Seed uint64
	// Limits and TrustedHops hold as far as the configuration does not set them.
	Limits Limits
	// TrustedHops is how many proxies stand before this one whose X-Forwarded
	// fields are believed; zero believes nobody.
	TrustedHops int
	// Gate says how much work is to be left undone; nil means none.
	Gate *overload.Gate
	// Slow returns the time from which on requests are reported with what the
	// kernel knows of their connections, by settings that may be nil; zero is
	// never, and so is a nil Slow.
	Slow func(*proxyconfig.Settings) time.Duration
}

// Loop is what connections that are never run at the same time share: idle
// connections to backends, scratch memory and counters. Only Open and Active
// are safe for concurrent use.
type Loop struct {
	// Open counts connections of clients, Active the requests in progress.
	Open, Active atomic.Int64

	opts Options
	// settings are those of the configuration that were seen last; hops, base and slow
	// follow from them. limits are base at the level that the last sweep has seen.
	settings     *proxyconfig.Settings
	hops         uint8
	base, limits Limits
	slow         time.Duration
	dialer       Dialer
	now          int64

	// home is where connections to backends are kept that carry requests of any
	// client.
	home home
	// idleConns are the connections to backends, of all homes, without a request.
	idleConns idleConns
	// http2 is what HTTP/2 connections share. Those in dirty have something to
	// send.
	http2 h2.Options
	dirty []framer
	// begun are the streams whose exchanges go on at the end of the turn.
	begun []*http2Stream
	// decided are the authorizations that go on at the end of the turn.
	decided []*authorization
	// mirrors are the copies that are being sent.
	mirrors []*mirror
	// wake is the earliest of the deadlines that the coarse sweep would miss.
	wake int64

	req   h1.Request
	resp  h1.Response
	route router.Request
	match router.Match
	// choice is what an endpoint is chosen by.
	choice balance.Request
	done   traffic.Done
	// traceDrops is what heads that belong to traces are written with.
	traceDrops traceDropper
	ids        *rand.PCG
	// head is what heads that come by HTTP/2 are built in.
	head []byte

	gathered

	// unseen is how much may come to be kept before the next glance.
	unseen int

	spare   spares[*exchange]
	buffers spares[[]byte]
	streams spares[*http2Stream]
	calls   spares[*http2Call]
}

// NewLoop returns a Loop at instant zero.
func NewLoop(o Options) *Loop {
	o.Limits = o.Limits.withDefaults()
	l := &Loop{opts: o, wake: math.MaxInt64, ids: rand.NewPCG(o.Seed, uint64(o.Epoch.UnixNano()))}
	l.adopt(nil)
	l.http2.Pool = new(h2.Pool)
	return l
}

// SetDialer says who connects to backends. It is called before the first
// Accept.
func (l *Loop) SetDialer(d Dialer) { l.dialer = d }

// Origin is where a client's connection comes from and how.
type Origin struct {
	Client netip.AddrPort
	// Port is that of the listener.
	Port uint16
	TLS  bool
	// ServerName is what the client has named by SNI.
	ServerName string
	// HTTP2 is whether the client has asked for it by ALPN. On plaintext ports
	// it need not ask (RFC 9113, section 3.3).
	HTTP2 bool
}

// Accept returns the Peer of a connection that was accepted.
func (l *Loop) Accept(t Transport, o Origin) Peer {
	l.Open.Add(1)
	from := origin{loop: l, io: t, client: o.Client, port: o.Port, secure: o.TLS}
	if o.TLS {
		from.serverName = []byte(snapshot.ServerName(o.ServerName))
	}
	if o.HTTP2 {
		return from.acceptHTTP2()
	}
	return &http1Client{origin: from, since: l.now}
}

// SetNow tells the time, in nanoseconds since the Epoch. It never goes back.
func (l *Loop) SetNow(now int64) { l.now = now }

// Now returns the time that was told last.
func (l *Loop) Now() int64 { return l.now }

// Wake returns the instant at which all Conns want their Tick, or math.MaxInt64
// if none wants it before the next coarse sweep.
func (l *Loop) Wake() int64 { return l.wake }

// ClearWake forgets the wanted instant. The Ticks that follow set it anew.
func (l *Loop) ClearWake() { l.wake = math.MaxInt64 }

// TLS returns how a port terminates TLS now, or nil if it does not.
func (l *Loop) TLS(port uint16) *tls.Config {
	if p := l.port(port); p != nil && p.TLS != nil {
		return p.TLS.Config
	}
	return nil
}

// Shaken tells of a client's TLS handshake on a port that has ended, for the reason
// that err says, as long as it took from when the client was accepted. serverName is
// what the client has named by SNI, as far as that is known.
func (l *Loop) Shaken(port uint16, serverName string, err error, took time.Duration) {
	if p := l.port(port); p != nil && p.TLS != nil {
		traffic.TellHandshake(l.opts.Observer, traffic.Handshake{
			Listener: p.TLS.Listener(serverName), How: traffic.EndOfHandshake(err), Took: took,
		})
	}
}

// Sweep forgets what is not needed any more. It is called each SweepEvery,
// before the Ticks.
func (l *Loop) Sweep() {
	l.follow()
	l.limits = l.base.at(l.opts.Gate.Level())
	all := l.crowded()
	l.spare.sweep(all)
	l.buffers.sweep(all)
	l.streams.sweep(all)
	l.calls.sweep(all)
	l.home.sweep()
	for _, m := range slices.Clone(l.mirrors) {
		if m.x != nil {
			m.x.tick()
		}
	}
}

// framer is an HTTP/2 connection, which sends all of its frames of a turn at
// once.
type framer interface {
	writeOut()
	// mark reports whether the connection waits for writeOut already, and notes
	// that it does.
	mark() bool
}

// dirt has a connection send its frames at the end of the turn.
func (l *Loop) dirt(f framer) {
	if !f.mark() {
		l.dirty = append(l.dirty, f)
	}
}

// Flush sends what was held back to be sent as one, and tells the observer that the
// turn has ended. A driver calls it at the end of each turn, after which it waits.
func (l *Loop) Flush() {
	for i, st := range l.begun {
		l.begun[i] = nil
		// A stream may have ended since, and even be another one now.
		if st.begun {
			st.goOn()
		}
	}
	l.begun = l.begun[:0]
	l.decide()
	for i := 0; i < len(l.dirty); i++ {
		l.dirty[i].writeOut()
	}
	clear(l.dirty)
	l.dirty = l.dirty[:0]
	traffic.TellTurn(l.opts.Observer)
}

// writeFrames sends what an HTTP/2 connection has to say.
func writeFrames(c *h2.Conn, t Transport) {
	for len(c.Out) > 0 {
		all := t.Write(c.Out)
		if c.Out = c.Out[:0]; cap(c.Out) > maxBufferSize {
			c.Out = nil
		}
		c.Written(all)
		if !all {
			return
		}
	}
}

// draining reports whether connections are to end after what is in progress.
func (l *Loop) draining() bool {
	return l.opts.Draining != nil && l.opts.Draining.Load() || l.opts.Gate.Level() >= overload.StopKeepAlive
}

// port returns the port of the current snapshot.
func (l *Loop) port(number uint16) *snapshot.Port {
	if s := l.opts.Snapshot.Load(); s != nil {
		for _, p := range s.Ports {
			if p.Number == number {
				return p
			}
		}
	}
	return nil
}

// appendID appends a new request identifier: 32 hexadecimal digits.
func (l *Loop) appendID(out []byte) []byte {
	const hex = "0123456789abcdef"
	for range 2 {
		for v, i := l.ids.Uint64(), 0; i < 16; i++ {
			out = append(out, hex[v>>60])
			v <<= 4
		}
	}
	return out
}
