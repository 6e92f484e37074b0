package overload

import (
	"container/list"
	"io"
	"sync"
)

// Room holds connections that have not said yet what they want. When it is full
// the one that came first has to go: an honest client is through in a round
// trip or two, so whoever fills the room gets rid of its own kind first. It is
// safe for concurrent use.
type Room struct {
	gate *Gate
	most int

	mu     sync.Mutex
	conns  list.List
	closed bool
}

// Place is one of a Room.
type Place struct{ at *list.Element }

// NewRoom returns a Room for a number of connections. The gate is told who had
// to go.
func NewRoom(g *Gate, most int) *Room { return &Room{gate: g, most: most} }

// Enter takes a connection in, or returns nil when the room is closed. The
// caller closes it in any case.
func (r *Room) Enter(c io.Closer) *Place {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	if r.conns.Len() >= r.most {
		r.conns.Remove(r.conns.Front()).(io.Closer).Close()
		r.gate.Refuse(NotGreeted)
	}
	return &Place{r.conns.PushBack(c)}
}

// Leave lets a connection go. It returns false if it was sent away before.
func (r *Room) Leave(p *Place) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.conns.Len()
	r.conns.Remove(p.at)
	return r.conns.Len() < n
}

// Close sends all away, and lets nobody in any more.
func (r *Room) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for r.conns.Len() > 0 {
		r.conns.Remove(r.conns.Front()).(io.Closer).Close()
	}
}

// Size returns how many connections are in the room.
func (r *Room) Size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conns.Len()
}
