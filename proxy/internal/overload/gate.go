package overload

import (
	"cmp"
	"sync"
	"sync/atomic"
)

// Limits of a Gate. Zero fields have the defaults of DefaultLimits.
type Limits struct {
	// PerListener bounds the connections of clients on one port, Total those on
	// all ports.
	PerListener, Total int
	// Descriptors bounds the connections of clients, those to backends and what
	// else they need, Backends those to backends and the sessions of datagrams.
	Descriptors, Backends int
	// Handshakes bounds the clients that are within a TLS handshake, in each
	// driver. A flood of ten thousand a second leaves each of 2048, which are the most by
	// default, two tenths of a second, which is more than most round trips.
	Handshakes int
}

// bytesPerBackend is the share of the memory that there has to be for each
// connection to a backend. Nearly all of them carry something, for which the
// kernel and the proxy keep some KiB each: a burst of requests must not take all
// of the memory before the levels can tell.
const bytesPerBackend = 32 << 10

// bytesPerHandshake is the same for clients within a TLS handshake: its state, what
// the client says, and what is garbage of both until it is collected.
const bytesPerHandshake = 256 << 10

// DefaultLimits returns the limits for a process that may have a number of open
// files, and of bytes. A tenth of the files, at least 48, is kept for the proxy's
// own ports, files and threads, and a quarter of the rest for connections to
// backends alone.
func DefaultLimits(files int, memory int64) Limits {
	const perListener, total = 10_000, 50_000
	descriptors := max(files-max(files/10, 48), 1)
	most := max(min(total, clientShare(descriptors)), 1)
	return Limits{
		PerListener: min(perListener, most), Total: most,
		Descriptors: descriptors, Backends: int(max(min(memory/bytesPerBackend, int64(descriptors)), 1)),
		Handshakes: int(min(2048, max(memory/bytesPerHandshake, 64))),
	}
}

// clientShare is how many of the descriptors clients may have.
func clientShare(descriptors int) int { return descriptors / 4 * 3 }

// Reason is why a connection was refused.
type Reason uint8

// The reasons.
const (
	// ListenerFull and Full are Limits.PerListener and Limits.Total.
	ListenerFull Reason = iota
	Full
	// NoDescriptor is Limits.Descriptors.
	NoDescriptor
	// Overloaded is the level RefuseConnections.
	Overloaded
	// NotGreeted counts connections that had to go before they were through with
	// what precedes their first request, as others came.
	NotGreeted
	numReasons
)

// Reasons returns all reasons.
func Reasons() []Reason { return []Reason{ListenerFull, Full, NoDescriptor, Overloaded, NotGreeted} }

// String returns the reason as metrics have it.
func (r Reason) String() string {
	return [numReasons]string{"listener_limit", "total_limit", "descriptors", "overload", "handshakes"}[r]
}

// Gate counts connections and holds the present Level. It is safe for
// concurrent use.
type Gate struct {
	// level is read for every read of a socket: what is written often is not in
	// its cache line.
	level atomic.Uint32
	// glance, once there is a Monitor, looks at the memory without waiting.
	glance atomic.Pointer[func() int]
	// limits are those that the Gate was made with; perListener and total are in
	// force in place of theirs. most bounds total.
	limits             Limits
	perListener, total atomic.Int64
	most               int
	mu                 sync.Mutex
	doors              map[uint16]*Door

	clients, descriptors, backends atomic.Int64
	lackedAt                       atomic.Int64
	shed                           atomic.Uint64
	refused                        [numReasons]atomic.Uint64
}

// NewGate returns a Gate at the level Normal.
func NewGate(l Limits) *Gate {
	d := DefaultLimits(openFiles(), memoryLimit(FindContainer()))
	for _, f := range []struct{ value, def *int }{
		{&l.PerListener, &d.PerListener}, {&l.Total, &d.Total}, {&l.Descriptors, &d.Descriptors}, {&l.Backends, &d.Backends}, {&l.Handshakes, &d.Handshakes},
	} {
		if *f.value <= 0 {
			*f.value = *f.def
		}
	}
	// Nobody can ask for more than the process may have.
	g := &Gate{limits: l, most: min(l.Descriptors, max(clientShare(d.Descriptors), 1)), doors: map[uint16]*Door{}}
	g.Bound(0, 0)
	return g
}

// Bound puts bounds in force in place of Limits.PerListener and Limits.Total; zero
// puts that back which the Gate was made with. Connections that are above a bound
// stay: nobody comes in until enough of them have left.
func (g *Gate) Bound(perListener, total int) {
	g.perListener.Store(int64(cmp.Or(perListener, g.limits.PerListener)))
	g.total.Store(int64(min(cmp.Or(total, g.limits.Total), g.most)))
}

// Limits returns the limits that are in force.
func (g *Gate) Limits() Limits {
	l := g.limits
	l.PerListener, l.Total = int(g.perListener.Load()), int(g.total.Load())
	return l
}

// Level returns the present level. A nil Gate has the level Normal.
func (g *Gate) Level() Level {
	if g == nil {
		return Normal
	}
	return Level(g.level.Load())
}

// Set makes l the present level.
func (g *Gate) Set(l Level) { g.level.Store(uint32(l)) }

// Glance looks whether memory asks for a higher level, and returns after how many
// bytes the caller is to look again: memory can fill up faster than the
// Monitor's turns come, so whoever makes the process keep more has to look. A
// nil Gate has nothing to look at.
func (g *Gate) Glance() (next int) {
	if g != nil {
		if f := g.glance.Load(); f != nil {
			return (*f)()
		}
	}
	return leastGlance
}

// leastGlance is the least that Glance returns. A glance costs as much as
// forwarding some KiB.
const leastGlance = 256 << 10

// Shed counts a request that was answered 503 for the level's sake.
func (g *Gate) Shed() { g.shed.Add(1) }

// Refuse counts a connection that was refused.
func (g *Gate) Refuse(r Reason) { g.refused[r].Add(1) }

// Borrow counts a connection to a backend in, unless there are too many; Return
// counts it out.
func (g *Gate) Borrow() bool {
	if !take(&g.backends, int64(g.limits.Backends)) {
		return false
	}
	if !take(&g.descriptors, int64(g.limits.Descriptors)) {
		g.backends.Add(-1)
		return false
	}
	return true
}

// Lack tells that at the time now there was no connection to a backend to be had:
// idle ones are to be closed. A nil Gate forgets it.
func (g *Gate) Lack(now int64) {
	if g != nil {
		g.lackedAt.Store(now)
	}
}

// Lacked returns when a connection was lacked last, or zero.
func (g *Gate) Lacked() int64 {
	if g == nil {
		return 0
	}
	return g.lackedAt.Load()
}

// Return is the end of a connection that was borrowed for.
func (g *Gate) Return() {
	g.descriptors.Add(-1)
	g.backends.Add(-1)
}

// Open counts a descriptor in that is none of a connection, unless there is none
// left; Closed counts it out.
func (g *Gate) Open() bool { return take(&g.descriptors, int64(g.limits.Descriptors)) }

// Closed is the end of a descriptor that Open was called for.
func (g *Gate) Closed() { g.descriptors.Add(-1) }

// take takes one of at most most.
func take(n *atomic.Int64, most int64) bool {
	if n.Add(1) > most {
		n.Add(-1)
		return false
	}
	return true
}

// Door returns the Door of a port, which is one and the same for the life of the
// Gate.
func (g *Gate) Door(port uint16) *Door {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.doors[port]
	if d == nil {
		d = &Door{gate: g}
		g.doors[port] = d
	}
	return d
}

// Stats are the figures of a Gate.
type Stats struct {
	Level Level
	// Shed counts requests, Refused connections by reason.
	Shed    uint64
	Refused map[Reason]uint64
}

// Stats returns the figures.
func (g *Gate) Stats() Stats {
	s := Stats{Level: g.Level(), Shed: g.shed.Load(), Refused: make(map[Reason]uint64, numReasons)}
	for _, r := range Reasons() {
		s.Refused[r] = g.refused[r].Load()
	}
	return s
}
