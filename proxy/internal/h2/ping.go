package h2

// alivePing marks the PING that asks for no more than its answer.
var alivePing = []byte("alive???")

// Servers of gRPC close a connection on which more than two PINGs come between
// two HEADERS or DATA frames of theirs, unless there are five minutes between
// those (gRFC A8 and A9); one of the two is left to whoever else may send one.
const (
	FreePings = 2
	PingEvery = 310 * second
)

// pings are those that were sent since the last HEADERS or DATA frame of the peer.
type pings struct {
	n    uint8
	last int64
}

// Ping asks the peer for a sign of life, which Heard tells of. Now is the time on
// the clock of Receive.
func (c *Conn) Ping(now int64) {
	if c.err != nil {
		return
	}
	c.Out = appendPing(c.Out, 0, alivePing)
	c.pings.n, c.pings.last = min(c.pings.n+1, FreePings), now
}

// Pings returns how many PINGs were sent since the last HEADERS or DATA frame of the
// peer, up to FreePings, and when the last one was sent at all.
func (c *Conn) Pings() (n int, last int64) { return int(c.pings.n), c.pings.last }

// Heard returns when something came last; before that, when the connection began.
func (c *Conn) Heard() int64 { return c.now }
