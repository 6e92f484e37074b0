package tlsconn

import (
	"errors"
	"iter"
)

// handshake is the handshake of crypto/tls, which knows only how to wait for
// input, as a coroutine of the owner: it runs within the owner's calls alone, as
// far as the input goes, and is left where it would wait. A switch costs less
// than a lock, where a goroutine that is woken for each flight costs both threads
// a system call or more.
type handshake struct {
	// next goes on, and reports false when the handshake has ended; stop ends it.
	next func() (struct{}, bool)
	stop func()
	// leave is called by the coroutine to wait, and reports whether it goes on.
	leave func(struct{}) bool
	// due: it has something to do.
	due bool
	err error
	// bounded: the peer is a client. flight is how much it has sent since it was
	// sent something.
	bounded bool
	flight  int
}

// MaxFlight bounds what a client sends of a handshake at a time. Its certificates
// are the most of that, and crypto/tls, which takes up to 256 KiB of them, parses
// each before the owner may say that they are too many.
const MaxFlight = 32 << 10

// goOn runs the handshake until it ends or there is no more input, and reports
// whether it has ended.
func (h *handshake) goOn(c *Conn) (ended bool) {
	if h.next == nil {
		h.next, h.stop = iter.Pull(func(yield func(struct{}) bool) {
			h.leave = yield
			h.err = c.tls.Handshake()
		})
	}
	h.due = false
	_, more := h.next()
	return !more
}

// read is called by crypto/tls, in the coroutine.
func (h *handshake) read(w *wire, p []byte) (int, error) {
	for {
		n, err := w.take(p)
		if h.flight += n; h.bounded && h.flight > MaxFlight {
			return 0, ErrFlood
		}
		if !errors.Is(err, ErrWant) {
			return n, err
		}
		if !h.leave(struct{}{}) {
			return 0, ErrDiscarded
		}
	}
}

// discard ends the handshake.
func (h *handshake) discard() {
	if h.stop != nil {
		h.stop()
	}
}
