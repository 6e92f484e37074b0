package h2

import "testing"

// Who takes no more than there is room for makes a connection hold a small buffer, or
// the one that it has.
func TestRoomKeepsMemoryAsItIs(t *testing.T) {
	r, p := newRecorder(Server, Options{}), newPeer()
	p.hello(Server)
	r.c.Receive(0, p.buf.Bytes())
	data := append(appendFrameHeader(nil, maxFrame, typeData, 0, 1), make([]byte, maxFrame)...)
	if got := r.c.Room(); got != smallBuffer {
		t.Errorf("with nothing begun: room for %d", got)
	}
	for len(data) > 0 {
		n := min(r.c.Room(), len(data))
		if n == 0 {
			break
		}
		r.c.Receive(0, data[:n])
		data = data[n:]
	}
	if cap(r.c.in) != smallBuffer || len(data) == 0 {
		t.Errorf("a buffer of %d is held, %d bytes are left", cap(r.c.in), len(data))
	}
	r.c.Receive(0, data[:1])
	if got, left := r.c.Room(), len(data)-1; cap(r.c.in) != largeBuffer || got < left {
		t.Errorf("there is room for %d in %d, of %d that are left", got, cap(r.c.in), left)
	}
}
