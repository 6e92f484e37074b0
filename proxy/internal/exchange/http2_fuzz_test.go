package exchange

import (
	"net/netip"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

const preface = prefaceHead + "SM\r\n\r\n"

// frames that fuzzing may begin with: settings, a GET for host "a" and its
// answers, data, trailers, resets and goodbyes.
const (
	settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	ask      = "\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x01a"
	askBody  = "\x00\x00\x06\x01\x04\x00\x00\x00\x01\x83\x86\x84\x41\x01a"
	answer1  = "\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88"
	data1    = "\x00\x00\x03\x00\x01\x00\x00\x00\x01abc"
	reset1   = "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08"
	goodbye  = "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
)

// Whatever the two sides of HTTP/2 send, in whatever pieces, what was begun
// ends, and nothing is counted as open or in flight afterwards.
func FuzzHTTP2(f *testing.F) {
	f.Add([]byte(settings+ask), []byte(settings+answer1+data1), uint8(9))
	f.Add([]byte(settings+askBody+data1), []byte(settings+answer1+data1), uint8(200))
	f.Add([]byte(settings+askBody+reset1), []byte(settings+answer1), uint8(64))
	f.Add([]byte(settings+askBody+data1), []byte(settings+reset1), uint8(64))
	f.Add([]byte(settings+ask+goodbye), []byte(settings+goodbye), uint8(64))
	f.Fuzz(func(t *testing.T, in, out []byte, step uint8) {
		if step == 0 {
			return
		}
		w := newWorldBy(proxyconfig.BackendHTTP2, 2, proxyconfig.Rule{})
		w.fake.quiet = true
		p := &pipe{}
		p.peer = w.loop.Accept(p, Origin{Client: netip.MustParseAddrPort("192.0.2.1:1000"), Port: port, HTTP2: true})
		p.peer.Data([]byte(preface))
		for len(in)+len(out) > 0 && !p.dead {
			n := min(int(step), len(in))
			p.peer.Data(in[:n:n])
			in = in[n:]
			w.loop.Flush()
			if out = w.answerHTTP2(out, int(step)); len(in) == 0 && w.fake.up == nil {
				break
			}
			w.loop.Flush()
			p.out = p.out[:0]
		}
		for _, up := range w.fake.all {
			if !up.dead {
				up.peer.Ended(nil)
			}
		}
		if !p.dead {
			p.peer.Broken()
		}
		w.loop.Flush()
		if !p.dead || w.loop.Open.Load() != 1 || w.loop.Active.Load() != 0 {
			t.Errorf("closed %v, %d open, %d active", p.dead, w.loop.Open.Load(), w.loop.Active.Load())
		}
		for _, e := range w.fake.dialed {
			if e.InFlight() != 0 {
				t.Errorf("%d in flight", e.InFlight())
			}
		}
	})
}

// answerHTTP2 has the backends that were dialed connect, and the last one send
// some of out; it returns the rest.
func (w *world) answerHTTP2(out []byte, step int) []byte {
	for i := 0; i < len(w.fake.all); i++ {
		if b := w.fake.all[i].peer.(*http2Backend); !w.fake.all[i].dead && !b.connected {
			b.Connected()
		}
	}
	if up := w.fake.up; up != nil && !up.dead {
		n := min(step, len(out))
		up.peer.Data(out[:n:n])
		return out[n:]
	}
	if w.fake.up != nil {
		return nil
	}
	return out
}
