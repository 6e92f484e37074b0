package netdriver

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// ErrLong is what a client is broken off with that has said too much before its first
// request, for the level of overload.
var ErrLong = errors.New("too much was said before the first request")

// lookEvery is how long a client that says nothing is waited for before the level is
// looked at again.
const lookEvery = time.Second

// Greeting bounds what a client says before its first request, a PROXY header, a TLS
// hello or a handshake, and the time that it takes: the more, the less there is of what
// the proxy needs. It is for one goroutine.
type Greeting struct {
	gate  *overload.Gate
	since time.Time
	most  time.Duration
	heard int
}

// NewGreeting returns the Greeting of a client that has begun at an instant, and may
// take so long while there is no overload.
func NewGreeting(g *overload.Gate, since time.Time, most time.Duration) *Greeting {
	return &Greeting{gate: g, since: since, most: most}
}

// Read reads what the client says next, or breaks it off. The read deadline of the
// connection is the Greeting's as long as it goes on.
func (g *Greeting) Read(nc net.Conn, b []byte) (int, error) {
	for {
		left := g.left(time.Now())
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		_ = nc.SetReadDeadline(time.Now().Add(min(left, lookEvery)))
		n, err := nc.Read(b)
		if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if g.hear(n) {
			g.gate.Refuse(overload.NotGreeted)
			reset(nc)
			return 0, ErrLong
		}
		return n, err
	}
}

// left is how much time the client has.
func (g *Greeting) left(now time.Time) time.Duration {
	return min(g.most, g.gate.Level().Patience()) - now.Sub(g.since)
}

// hear takes note of what came, and reports whether it is too much.
func (g *Greeting) hear(n int) (tooMuch bool) {
	g.heard += n
	return g.heard > g.gate.Level().Hearing()
}
