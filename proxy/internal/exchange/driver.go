package exchange

import (
	"crypto/tls"
	"net/netip"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// Transport is one connection, a client's or a backend's, as a driver carries
// it out. Its methods return at once and never call back into the Peer: what
// comes of them is reported by a later event. It keeps no slice that it is
// given.
type Transport interface {
	// Write sends b after all that was sent before, or keeps what does not fit;
	// it reports whether nothing is left unsent. If something is, the driver
	// calls Flushed once it has gone. A failed write counts as sent, and is
	// reported by Broken.
	Write(b []byte) (flushed bool)
	// Resume says that the Peer may want input again.
	Resume()
	// Shutdown ends the sending side after what was written.
	Shutdown()
	// Close closes the connection after what was written, Drop at once.
	Close()
	Drop()
	// Abort closes the connection at once with a reset, so that the other side
	// does not take what it got for a whole message.
	Abort()
	// Silent reports whether the connection is open, with nothing unsent and
	// nothing to be read as far as the driver knows.
	Silent(l Look) bool
	// Local returns the address of this side, which for a client's connection is
	// the one that it has connected to, or the zero AddrPort if it is not known.
	Local() netip.AddrPort
	// Become makes p the connection's Peer in place of the present one.
	Become(p Peer)
}

// Patient is a Transport that would else give up an other side which takes nothing
// sooner than a tunnel does.
type Patient interface{ Patient() }

// Look is how closely Silent looks.
type Look uint8

const (
	// Glance goes by the events that the driver has seen.
	Glance Look = iota
	// Ask has the kernel say.
	Ask
)

// Peer is who decides about a connection: a driver tells it what happens
// there. Once the Peer has called Close, Drop or Abort it is told of nothing
// any more. The methods of all Peers of a Loop must not be called at the same
// time.
type Peer interface {
	// Want returns how many bytes may be read, at most; zero leaves the input
	// in the kernel, which is the backpressure.
	Want(most int) int
	// Ahead returns how many bytes may be read before they are wanted. A driver
	// that cannot see the other side leave without reading uses it.
	Ahead() int
	// Data takes bytes that the other side sent. They may be changed.
	Data(b []byte)
	// Pass offers that of the input that is wanted, the next n bytes or fewer need
	// not come to Data: a driver may send them to another connection of the Loop
	// itself, as they are and after all that was written there. The offer ends with
	// the next event; a driver need not take it. There is none if to is nil.
	Pass() (to Transport, n int64)
	// Passed takes the place of Data when an offer was taken: n bytes of input were
	// sent on. What flushed says of the other connection, and what follows from
	// it, is the same as with its Write.
	Passed(n int, flushed bool)
	// Leaving reports that the other side has ended its sending, though there
	// may be input left.
	Leaving()
	// Ended reports that there is no more input: in good order, or where err is
	// not nil, because the connection broke or never came to be.
	Ended(err error)
	// Broken reports that nothing can be sent any more. There may be input left.
	Broken()
	// Flushed reports that all that was written is sent.
	Flushed()
	// Flowed reports that a read's worth of what was passed on to the connection
	// has gone since it was last heard of, though not all: the other side takes
	// what it is sent.
	Flowed()
	// Tick lets time pass. It is called each SweepEvery, and when Loop.Wake says
	// so.
	Tick()
	// CloseIdle has the connection end as soon as nothing is in progress on it.
	CloseIdle()
}

// Backend is the Peer of a connection that was dialed.
type Backend interface {
	Peer
	// Connected reports that dialing has succeeded.
	Connected()
}

// Dialer connects to backends.
type Dialer interface {
	// Dial begins to connect to e for b, whose Connected or Ended follows, by TLS
	// if config is not nil. Header is sent before anything, the handshake
	// included. It returns nil if this process cannot have another connection,
	// which says nothing of the endpoint; a driver that learns of it later tells
	// Ended of an error that overload.OutOfFiles knows.
	Dial(e *balance.Endpoint, config *tls.Config, header []byte, b Backend) Transport
}
