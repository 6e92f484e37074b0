package exchange

import (
	"net/netip"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// browser is the other end of a client's HTTP/2 connection.
type browser struct {
	world *world
	conn  h2.Conn
	io    *pipe
	resp  h1.Response
	head  []byte
	// answers counts the responses, data the bytes of their bodies.
	answers, data int
	// resets counts the streams that were reset, code is that of the last one.
	resets int
	code   h2.Code
	// status is that of the last one. leaving: there was a GOAWAY.
	status  int
	leaving bool
	// hoards: it takes only what its window permits, and gives nothing of it back.
	hoards bool
}

// pipe is the Transport of the proxy's end: what is written waits for the
// browser.
type pipe struct {
	peer Peer
	out  []byte
	dead bool
	// resumed is how often more input was asked for.
	resumed int
}

func (p *pipe) Write(b []byte) bool   { p.out = append(p.out, b...); return true }
func (p *pipe) Resume()               { p.resumed++ }
func (p *pipe) Shutdown()             {}
func (p *pipe) Close()                { p.dead = true }
func (p *pipe) Drop()                 { p.dead = true }
func (p *pipe) Abort()                { p.dead = true }
func (p *pipe) Silent(Look) bool      { return !p.dead }
func (p *pipe) Local() netip.AddrPort { return netip.AddrPort{} }
func (p *pipe) Become(peer Peer)      { p.peer = peer }

func newBrowser(w *world) *browser {
	b := &browser{world: w, io: &pipe{}}
	b.conn.Init(h2.Client, &h2.Options{Pool: new(h2.Pool)}, b, 0)
	b.io.peer = w.loop.Accept(b.io, Origin{Client: netip.MustParseAddrPort("192.0.2.1:1000"), Port: port, HTTP2: true})
	return b
}

// pump carries bytes both ways until nothing is left.
func (b *browser) pump() {
	for {
		b.world.loop.Flush()
		if len(b.conn.Out) == 0 && len(b.io.out) == 0 {
			return
		}
		if len(b.conn.Out) > 0 {
			b.io.peer.Data(b.conn.Out)
			b.conn.Out = b.conn.Out[:0]
			b.conn.Written(true)
		}
		b.conn.Receive(0, b.io.out)
		b.io.out = b.io.out[:0]
	}
}

var browserTarget = h1.Target{Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/a/b?c=d")}

func (b *browser) get() {
	s := b.conn.Open(b, &browserTarget)
	s.Field([]byte("user-agent"), []byte("h2load"))
	s.EndHead(true)
	b.pump()
}

// post sends a body, the beginning of it together with the head, and returns
// how much of it went before nothing went any more.
func (b *browser) post(size int) (sent int) {
	target := browserTarget
	target.Method = []byte("POST")
	s := b.conn.Open(b, &target)
	s.EndHead(false)
	for body := make([]byte, size); ; {
		n := s.Send(body[sent:], false)
		if b.pump(); n == 0 {
			return sent
		}
		sent += n
	}
}

func (b *browser) NewRequest(*h2.Stream) *h1.Request { panic("a push") }
func (b *browser) NewResponse(*h2.Stream) *h1.Response {
	b.resp.Start(b.head[:0])
	return &b.resp
}

func (b *browser) Head(s *h2.Stream, end bool) {
	b.head, b.status = b.resp.Buffer(), b.resp.Status
	b.ended(s, end)
}

func (b *browser) Data(s *h2.Stream, p []byte, end bool) {
	b.data += len(p)
	if !b.hoards {
		s.Consumed(len(p))
	}
	b.ended(s, end)
}

func (b *browser) Trailers(s *h2.Stream, _ []byte) { b.ended(s, true) }

func (b *browser) ended(s *h2.Stream, end bool) {
	if end {
		b.answers++
		s.Release()
	}
}

func (b *browser) Reset(s *h2.Stream, code h2.Code, _ bool) {
	b.resets++
	b.code = code
	s.Release()
}
func (b *browser) Writable(*h2.Stream) {}
func (b *browser) GoingAway()          { b.leaving = true }

// The client's window is given back for a body that came with its head, whether
// there was a connection to the backend or not.
func TestHTTP2BodiesGoOn(t *testing.T) {
	const size = 1 << 20
	w := newWorld(1, nil)
	w.fake.quiet = true
	b := newBrowser(w)
	if sent := b.post(size); sent == size {
		t.Error("all was taken though nobody was connected")
	}
	w.connected()
	b.pump()
	w.upstream("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	b.get()
	w.connected()
	w.upstream(ok)
	b.pump()
	if sent := b.post(size); sent != size {
		t.Errorf("%d bytes were taken over a connection that was there", sent)
	}
}

// plainHTTP2 is a request by HTTP/2 that an HTTP/1 backend answers.
func plainHTTP2(t testing.TB) func() {
	w := newWorld(1, &proxyconfig.Timeouts{RequestMillis: 15000})
	w.loop.opts.Observer = discard{}
	b := newBrowser(w)
	b.get()
	w.connected()
	w.upstream(ok)
	b.pump()
	w.fake.quiet = true
	response := []byte("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello")
	return func() {
		before := b.answers
		b.get()
		w.backend().peer.Data(response)
		b.pump()
		if b.answers != before+1 {
			t.Fatal("the exchange has not ended")
		}
	}
}

func TestPlainHTTP2DoesNotAllocate(t *testing.T) {
	f := plainHTTP2(t)
	for range 200 {
		f()
	}
	if n := testing.AllocsPerRun(1000, f); n != 0 {
		t.Errorf("%v allocations per request", n)
	}
}

func BenchmarkHTTP2(b *testing.B) {
	f := plainHTTP2(b)
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}
