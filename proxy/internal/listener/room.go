package listener

import (
	"container/list"
	"net"
	"sync"
	"time"
)

const (
	// maxWaiting bounds the connections that have not said yet what they want.
	// Each may hold a hello of 64 KiB.
	maxWaiting = 512
	// patience is how long they may take to say it.
	patience = 10 * time.Second
)

// waitingRoom holds the connections that have not said yet what they want. When
// it is full the one that came first has to go: an honest client is through in
// one round trip, so whoever fills the room gets rid of its own kind first.
type waitingRoom struct {
	most int

	mu     sync.Mutex
	conns  list.List
	closed bool
}

func newWaitingRoom(most int) *waitingRoom { return &waitingRoom{most: most} }

// enter takes a connection in, or returns nil when the room is closed.
func (w *waitingRoom) enter(nc net.Conn) *list.Element {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	if w.conns.Len() >= w.most {
		w.conns.Remove(w.conns.Front()).(net.Conn).Close()
	}
	return w.conns.PushBack(nc)
}

// leave lets a connection go. It returns false if it was sent away before.
func (w *waitingRoom) leave(e *list.Element) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.conns.Len()
	w.conns.Remove(e)
	return w.conns.Len() < n
}

// close sends all away, and lets nobody in any more.
func (w *waitingRoom) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for w.conns.Len() > 0 {
		w.conns.Remove(w.conns.Front()).(net.Conn).Close()
	}
}

func (w *waitingRoom) size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int64(w.conns.Len())
}
