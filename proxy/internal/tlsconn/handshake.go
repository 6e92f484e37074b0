package tlsconn

import (
	"bytes"
	"errors"
	"sync"
)

// handshake is what the owner and the goroutine of the handshake share: the
// input, beneath mu. The output stays the owner's alone, and reaches it by post.
type handshake struct {
	post func(func())
	// started is the owner's.
	started bool

	mu  sync.Mutex
	fed sync.Cond
	// stalled says that the owner was told that there is no room.
	stalled   bool
	discarded bool
}

func newHandshake(post func(func())) *handshake {
	h := &handshake{post: post}
	h.fed.L = &h.mu
	return h
}

// start begins the handshake, unless it began before.
func (h *handshake) start(c *Conn) {
	if h.started {
		return
	}
	h.started = true
	go func() {
		err := c.tls.Handshake()
		h.post(func() { c.endHandshake(err) })
	}()
}

// feed runs on the owner's side.
func (h *handshake) feed(w *wire, p []byte, eof bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w.in.append(p)
	w.eof = w.eof || eof
	h.fed.Signal()
}

// room runs on the owner's side, and remembers that the owner waits.
func (h *handshake) room(w *wire) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	room := max(0, inputBytes-w.in.len())
	h.stalled = room == 0
	return room
}

// discard runs on the owner's side. The goroutine ends at its next read or, in
// the middle of an operation, after it.
func (h *handshake) discard(w *wire) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.discarded = true
	w.in.release()
	h.fed.Signal()
}

// read runs on the goroutine of the handshake, and waits.
func (h *handshake) read(w *wire, p []byte) (int, error) {
	n, resume, err := h.wait(w, p)
	if resume {
		h.post(func() {})
	}
	return n, err
}

// wait says, in resume, that the owner is to be told that there is room again.
func (h *handshake) wait(w *wire, p []byte) (n int, resume bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if h.discarded {
			return 0, false, ErrDiscarded
		}
		n, err = w.take(p)
		if !errors.Is(err, ErrWant) {
			resume = h.stalled && w.in.len() < inputBytes/2
			h.stalled = h.stalled && !resume
			return n, resume, err
		}
		h.fed.Wait()
	}
}

// send runs on the goroutine of the handshake.
func (h *handshake) send(c *Conn, p []byte) {
	flight := bytes.Clone(p)
	h.post(func() {
		if c.err == nil {
			c.out.append(flight)
		}
	})
}
