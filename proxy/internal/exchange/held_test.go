package exchange

import (
	"fmt"
	"testing"
)

// gets asks for n responses of a size, each over a connection of its own, and
// returns the backends.
func (b *browser) gets(n, size int) (backends []*fakeConn) {
	w := b.world
	for range n {
		b.get()
		w.connected()
		w.upstream(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
		b.pump()
		backends = append(backends, w.backend())
	}
	return backends
}

// feed has a backend send as much as is wanted, a read at a time, and returns how
// much that was.
func (b *browser) feed(backend *fakeConn, size int) (fed int) {
	body := make([]byte, 64<<10)
	for fed < size {
		n := min(backend.peer.Want(len(body)), size-fed)
		if n == 0 {
			break
		}
		backend.peer.Data(body[:n])
		fed += n
		b.pump()
	}
	return fed
}

// A client that asks for a lot and takes nothing of it makes the proxy hold what
// is its share, and a little for each stream.
func TestHeldResponsesAreBounded(t *testing.T) {
	const streams, size = 90, 1 << 20
	w := newWorld(1, nil)
	w.fake.quiet = true
	b := newBrowser(w)
	b.hoards = true
	fed := 0
	for _, backend := range b.gets(streams, size) {
		fed += b.feed(backend, size)
	}
	client := b.io.peer.(*http2Client)
	sum := 0
	for st := client.streams; st != nil; st = st.next {
		sum += cap(st.out)
	}
	if client.held != sum {
		t.Errorf("%d bytes are counted, %d held", client.held, sum)
	}
	// A buffer is up to an eighth larger than what it was made for.
	if most := maxHeld*9/8 + streams*leastHeld*9/8; sum > most || sum < maxHeld {
		t.Errorf("%d bytes are held, want %d to %d", sum, maxHeld, most)
	}
	if left := fed - b.data; left > sum {
		t.Errorf("%d bytes are neither sent nor held", left-sum)
	}
	b.io.peer.Broken()
	if client.held != 0 {
		t.Errorf("%d bytes are held of a connection that has ended", client.held)
	}
}

// A stream whose window is open goes on beside those that hold all there is.
func TestHeldResponsesStallNobody(t *testing.T) {
	// The windows of so many streams leave half of the connection's, which the
	// client gives back when it has used the other half.
	const streams, size = 7, 1 << 20
	w := newWorld(1, nil)
	w.fake.quiet = true
	b := newBrowser(w)
	b.hoards = true
	for _, backend := range b.gets(streams, size) {
		b.feed(backend, size)
	}
	client := b.io.peer.(*http2Client)
	if client.held == 0 {
		t.Fatal("nothing is held")
	}
	client.held += maxHeld
	b.hoards = false
	reader := b.gets(1, size)[0]
	before, whole := b.data, 0
	for whole < size {
		n := b.feed(reader, size-whole)
		if n == 0 {
			t.Fatalf("stalled after %d bytes", whole)
		}
		whole += n
	}
	if got := b.data - before; got != size || b.answers != 1 {
		t.Errorf("got %d bytes and %d answers", got, b.answers)
	}
}
