package h2

import "testing"

// PINGs are counted until the peer sends a message, and any input is heard of.
func TestPings(t *testing.T) {
	r, p := newRecorder(Client, Options{}), newPeer()
	p.hello(Client)
	r.c.Receive(1*second, p.take())
	r.open("GET", true)
	r.takeSent(t)
	for range FreePings + 1 {
		r.c.Ping(12 * second)
		if got, want := r.takeSent(t), "PING ack=false alive???"; got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
	p.WritePing(true, [8]byte(alivePing))
	r.c.Receive(13*second, p.take())
	if n, last := r.c.Pings(); n != FreePings || last != 12*second || r.c.Heard() != 13*second {
		t.Errorf("after the answer: %d PINGs, the last at %d, heard at %d", n, last, r.c.Heard())
	}
	p.head(1, true, ":status: 200")
	r.c.Receive(14*second, p.take())
	if n, _ := r.c.Pings(); n != 0 {
		t.Errorf("after a message: %d PINGs", n)
	}
}
