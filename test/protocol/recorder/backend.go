package recorder

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/protocol/message"
)

// patience is how long a test waits for something to arrive.
const patience = 20 * time.Second

// Answer is what a backend sends back.
type Answer struct {
	Bytes []byte
	// Close ends the connection after the bytes.
	Close bool
}

// Backend listens on a loopback port. It is safe for concurrent use.
type Backend struct {
	listener net.Listener
	answer   func(*message.Request) Answer

	mu       sync.Mutex
	changed  *sync.Cond
	open     map[*connection]bool
	taken    []*Stream
	requests int
	accepted int
}

// Stream is what one connection brought since the last Take.
type Stream struct {
	Bytes []byte
	// Broken is why the bytes are not whole requests, or nil.
	Broken error
	// Ended is whether the proxy has ended the connection.
	Ended bool
}

// Start starts a backend, which ends with the test.
func Start(t testing.TB, answer func(*message.Request) Answer) *Backend {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &Backend{listener: l, answer: answer, open: map[*connection]bool{}}
	b.changed = sync.NewCond(&b.mu)
	t.Cleanup(b.close)
	go b.accept()
	return b
}

// Addr is the host:port.
func (b *Backend) Addr() string { return b.listener.Addr().String() }

// Requests is how many whole requests have come so far.
func (b *Backend) Requests() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests
}

// Accepted is how many connections have come so far.
func (b *Backend) Accepted() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accepted
}

// Open is how many connections are open.
func (b *Backend) Open() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.open)
}

// Take returns what has come since the last call, by connection. A connection
// in the middle of a request is waited for, until the request is whole or the
// connection has ended.
func (b *Backend) Take() []*Stream {
	b.mu.Lock()
	defer b.mu.Unlock()
	late := time.AfterFunc(patience, b.changed.Broadcast)
	defer late.Stop()
	for deadline := time.Now().Add(patience); b.midway() && time.Now().Before(deadline); {
		b.changed.Wait()
	}
	streams := b.taken
	b.taken = nil
	for c := range b.open {
		if s := c.take(); s != nil {
			streams = append(streams, s)
		}
	}
	return streams
}

func (b *Backend) midway() bool {
	for c := range b.open {
		if len(c.pending) > 0 && !c.refused {
			return true
		}
	}
	return false
}

func (b *Backend) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.accepted++
		taken := &connection{Conn: c, backend: b}
		b.open[taken] = true
		b.mu.Unlock()
		go taken.serve()
	}
}

func (b *Backend) close() {
	b.listener.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.open {
		c.Close()
	}
}
