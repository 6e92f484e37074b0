package custody

import (
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Holder holds the sockets of one process at a time. It is safe for concurrent use.
type Holder struct {
	serving sync.WaitGroup

	mu   sync.Mutex
	held map[uint16][]int
}

// NewHolder returns a Holder of nothing.
func NewHolder() *Holder { return &Holder{held: map[uint16][]int{}} }

// Attend returns the end of a connection for the next process, which is the caller's to
// pass on and to close, and serves the other end until that process has ended. The one
// before must have.
func (h *Holder) Attend() (*os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a socket pair: %w", err)
	}
	theirs, ours := os.NewFile(uintptr(pair[0]), "custody"), os.NewFile(uintptr(pair[1]), "custody")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, fmt.Errorf("using a socket pair: %w", err)
	}
	// The process before may have left a last word.
	h.serving.Wait()
	h.serving.Go(func() { h.serve(conn.(*net.UnixConn)) })
	return theirs, nil
}

// Close closes what is held, once the last process has ended.
func (h *Holder) Close() {
	h.serving.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, fds := range h.held {
		CloseAll(fds)
	}
	clear(h.held)
}

// serve talks to one process. Whatever goes wrong ends the conversation, and the
// process goes on without.
func (h *Holder) serve(conn *net.UnixConn) {
	defer conn.Close()
	if h.tell(conn) != nil {
		return
	}
	for {
		m, err := receive(conn)
		if err != nil {
			return
		}
		h.do(m)
		if send(conn, message{verb: done, port: m.port}) != nil {
			return
		}
	}
}

// tell sends what is held.
func (h *Holder) tell(conn *net.UnixConn) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for port, fds := range h.held {
		if err := send(conn, message{held, port, fds}); err != nil {
			return err
		}
	}
	return send(conn, message{verb: end})
}

func (h *Holder) do(m message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	CloseAll(h.held[m.port])
	delete(h.held, m.port)
	if m.verb == keep && len(m.fds) > 0 {
		h.held[m.port] = m.fds
		return
	}
	CloseAll(m.fds)
}
