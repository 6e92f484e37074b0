package exchange

import (
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// source is an HTTP/2 backend that answers every request without end.
type source struct {
	world   *world
	io      *fakeConn
	conn    h2.Conn
	req     h1.Request
	head    []byte
	streams []*h2.Stream
	sent    int
	// asked, if it is not nil, is shown the heads of requests.
	asked func(*h1.Request)
	// answers, if it is not nil, takes the place of an answer without end.
	answers func(*h2.Stream)
}

// newSource takes the connection that was dialed last.
func (w *world) newSource() *source {
	s := &source{world: w, io: w.backend()}
	s.conn.Init(h2.Server, &h2.Options{Pool: new(h2.Pool)}, s, 0)
	w.connected()
	return s
}

// pour sends all that the proxy's windows permit.
func (s *source) pour(pump func()) {
	body := make([]byte, 16<<10)
	for {
		before := s.sent
		s.exchange()
		for _, stream := range s.streams {
			s.sent += stream.Send(body, false)
		}
		s.exchange()
		if pump(); s.sent == before && s.io.sent.Len() == 0 {
			return
		}
	}
}

// exchange carries bytes both ways once.
func (s *source) exchange() {
	s.world.loop.Flush()
	in := s.io.sent.String()
	s.io.sent.Reset()
	s.conn.Receive(0, []byte(in))
	if len(s.conn.Out) > 0 {
		s.io.peer.Data(s.conn.Out)
		s.conn.Out = s.conn.Out[:0]
		s.conn.Written(true)
	}
}

func (s *source) NewRequest(*h2.Stream) *h1.Request {
	s.req.Start(s.head[:0])
	return &s.req
}

func (s *source) Head(stream *h2.Stream, _ bool) {
	s.head = s.req.Buffer()
	if s.asked != nil {
		s.asked(&s.req)
	}
	s.streams = append(s.streams, stream)
	if s.answers != nil {
		s.answers(stream)
		return
	}
	stream.Respond(200)
	stream.EndHead(false)
}

func (s *source) NewResponse(*h2.Stream) *h1.Response { panic("a response of a client") }
func (s *source) Data(*h2.Stream, []byte, bool)       {}
func (s *source) Trailers(*h2.Stream, []byte)         {}
func (s *source) Reset(*h2.Stream, h2.Code, bool)     {}
func (s *source) Writable(*h2.Stream)                 {}
func (s *source) GoingAway()                          {}

// A connection to a backend makes the proxy hold what its window is at the most,
// however many clients take nothing; and it is not what others get their
// responses by, if there can be another one.
func TestSlowClientsOfAnHTTP2Backend(t *testing.T) {
	const streams, window = 60, 1 << 20
	w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
	gate := overload.NewGate(overload.Limits{})
	w.loop.opts.Gate = gate
	b := newBrowser(w)
	b.hoards = true
	b.get()
	first := w.newSource()
	for range streams - 1 {
		b.get()
	}
	first.pour(b.pump)
	held := first.sent - b.data
	if held > window || held < window/2 || len(first.streams) != streams {
		t.Errorf("%d bytes are held of %d streams", held, len(first.streams))
	}
	if got := b.io.peer.(*http2Client).held; got > window*5/4 {
		t.Errorf("%d bytes of memory hold them", got)
	}

	backend := first.io.peer.(*http2Backend)
	for level, want := range map[overload.Level]int{overload.Normal: 1, overload.ShedRequests: 0, overload.RefuseConnections: 0} {
		gate.Set(level)
		if got := backend.Want(1); got != want {
			t.Errorf("at level %d the backend is wanted %d bytes of, not %d", level, got, want)
		}
	}
	gate.Set(overload.Normal)

	reader := newBrowser(w)
	reader.get()
	if len(w.fake.all) != 2 {
		t.Fatalf("%d connections", len(w.fake.all))
	}
	second := w.newSource()
	for range 4 {
		second.exchange()
		if len(second.streams) > 0 {
			second.sent += second.streams[0].Send(make([]byte, 100), false)
		}
		second.exchange()
		reader.pump()
	}
	if reader.data == 0 || reader.data != second.sent {
		t.Errorf("another client got %d bytes of %d", reader.data, second.sent)
	}

	// Without another connection to be had, this one has to do.
	w.fake.exhausted = true
	second.io.peer.Ended(nil)
	reader = newBrowser(w)
	reader.get()
	first.exchange()
	if reader.answers != 0 || len(first.streams) != streams+1 {
		t.Errorf("the request was answered %d times; there are %d streams", reader.answers, len(first.streams))
	}

	// Once the slow clients are gone, it is like any other.
	b.io.peer.Broken()
	first.exchange()
	if backend.choked() {
		t.Error("what was held is not given back")
	}
}
