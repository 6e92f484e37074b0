package collect

import "github.com/fleetgate/fleetgate/bpf/internal/sockdiag"

// drops is what listening sockets had turned down at the last look that has told of all
// of them, by their cookies. A listener has a socket for each loop.
type drops struct{ last, now map[uint64]uint32 }

// begin begins a look.
func (d *drops) begin() { d.now = make(map[uint64]uint32, len(d.last)) }

// since returns what a socket has turned down since the last look.
func (d *drops) since(s *sockdiag.Socket) uint64 {
	d.now[s.Cookie] = s.Dropped
	return uint64(s.Dropped - d.last[s.Cookie])
}

// looked ends a look that has told of all sockets. What it has returned counts then.
func (d *drops) looked() { d.last = d.now }

// countDrops counts what listeners have turned down.
func (l *ledger) countDrops(s *sockets) {
	for listener, n := range s.dropped {
		for _, own := range l.listeners.of(listener).both {
			own.dropped += n
		}
	}
}
