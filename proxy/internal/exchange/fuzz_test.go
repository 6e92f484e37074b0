package exchange

import "testing"

// Whatever the two sides send, in whatever pieces, the state machine stays
// whole: it ends, and nothing is counted as open afterwards.
func FuzzConn(f *testing.F) {
	f.Add([]byte(get+get), []byte(ok+ok), uint8(7))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), uint8(3))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nabc"), []byte("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\ndef"), uint8(200))
	f.Add([]byte("HEAD / HTTP/1.0\r\nHost: a\r\n\r\n"), []byte("HTTP/1.0 200 OK\r\n\r\nabc"), uint8(1))
	f.Fuzz(func(t *testing.T, in, out []byte, step uint8) {
		if step == 0 {
			return
		}
		w := newWorld(2, nil)
		w.fake.quiet = true
		for (len(in) > 0 || len(out) > 0) && !w.fake.client.dead {
			moved := false
			if n := w.conn.Want(int(step)); n > 0 && len(in) > 0 {
				n = min(n, len(in))
				w.conn.Data(in[:n:n])
				in, moved = in[n:], true
			}
			w.connectNew()
			if up := w.backend(); up != nil && !up.dead && up.peer.Want(int(step)) > 0 && len(out) > 0 {
				n := min(int(step), len(out))
				up.peer.Data(out[:n:n])
				out, moved = out[n:], true
			}
			if !moved {
				break
			}
		}
		w.end()
		if !w.fake.client.dead || w.loop.Open.Load() != 0 || w.loop.Active.Load() != 0 {
			t.Errorf("closed %v, %d open, %d active", w.fake.client.dead, w.loop.Open.Load(), w.loop.Active.Load())
		}
	})
}

// connectNew connects what was dialed since the last call.
func (w *world) connectNew() {
	if up := w.backend(); up != nil && !up.dead && up.peer.(*http1Backend).phase == dialing {
		w.connected()
	}
}

// end ends both sides, whatever is in progress.
func (w *world) end() {
	if up := w.backend(); up != nil && !up.dead {
		w.upstreamEnds(nil)
	}
	if !w.fake.client.dead {
		w.conn.Ended(nil)
	}
	if !w.fake.client.dead {
		w.conn.Broken()
	}
}
