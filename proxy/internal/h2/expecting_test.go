package h2

import "testing"

// A peer that sends a head, or any frame but DATA, little by little is known to
// owe it since its first byte; one that sends one after the other owes nothing
// for long.
func TestExpecting(t *testing.T) {
	const second = 1_000_000_000
	r, p := newRecorder(Server, Options{}), newPeer()
	if since, ok := r.c.Expecting(); !ok || since != 0 {
		t.Errorf("before the preface: %d, %v", since, ok)
	}
	p.hello(Server)
	r.c.Receive(0, p.buf.Bytes())
	if _, ok := r.c.Expecting(); ok {
		t.Error("something is owed after the preface")
	}
	ping := appendPing(nil, 0, make([]byte, 8))
	r.c.Receive(1*second, ping[:1])
	r.c.Receive(2*second, ping[1:5])
	if since, ok := r.c.Expecting(); !ok || since != 1*second {
		t.Errorf("within a frame: %d, %v", since, ok)
	}
	r.c.Receive(3*second, append(ping[5:], ping[:4]...))
	if since, ok := r.c.Expecting(); !ok || since != 3*second {
		t.Errorf("within the next frame: %d, %v", since, ok)
	}
}
