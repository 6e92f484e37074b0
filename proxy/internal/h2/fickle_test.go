package h2

import (
	"math/rand/v2"
	"testing"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// fickle is a Handler that sends bodies of random sizes, consumes late and gives
// up streams at any moment.
type fickle struct {
	c        Conn
	rng      *rand.Rand
	request  h1.Request
	response h1.Response
	live     map[*Stream]*errand
}

// errand is what a fickle handler has left to do on a stream.
type errand struct{ left, unconsumed int }

func (f *fickle) NewRequest(s *Stream) *h1.Request {
	f.live[s] = &errand{left: f.rng.IntN(200000)}
	f.request.Start(nil)
	return &f.request
}

func (f *fickle) NewResponse(*Stream) *h1.Response {
	f.response.Start(nil)
	return &f.response
}

// open sends a request, if it may.
func (f *fickle) open() {
	if f.c.CanOpen() {
		s := f.c.Open(nil, &benchTarget)
		s.EndHead(false)
		f.live[s] = &errand{left: f.rng.IntN(200000)}
		f.act(s)
	}
}

// act does something with a stream: it gives it up, resets it, or goes on.
func (f *fickle) act(s *Stream) {
	e := f.live[s]
	switch n := f.rng.IntN(40); {
	case n == 0:
		f.release(s)
		return
	case n == 1:
		s.Reset(InternalError)
	case n < 30:
		s.Consumed(e.unconsumed)
		e.unconsumed = 0
	}
	e.left -= s.Send(make([]byte, e.left), true)
	if e.left == 0 && s.Ended() {
		f.release(s)
	}
}

func (f *fickle) release(s *Stream) {
	delete(f.live, s)
	s.Release()
}

func (f *fickle) Head(s *Stream, _ bool) {
	if f.c.role == Server {
		s.Respond(200)
		s.EndHead(false)
	}
	f.act(s)
}

func (f *fickle) Data(s *Stream, b []byte, _ bool) {
	f.live[s].unconsumed += len(b)
	f.act(s)
}

func (f *fickle) Trailers(s *Stream, _ []byte) { f.act(s) }
func (f *fickle) Writable(s *Stream)           { f.act(s) }
func (f *fickle) GoingAway()                   {}

func (f *fickle) Reset(s *Stream, _ Code, _ bool) {
	if _, ok := f.live[s]; !ok {
		panic("reset after release")
	}
	f.release(s)
}

// Whatever both owners do, no stream and no byte of a window gets lost.
func TestFickleOwners(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 2))
		client := &fickle{rng: rng, live: map[*Stream]*errand{}}
		server := &fickle{rng: rng, live: map[*Stream]*errand{}}
		client.c.Init(Client, &Options{Pool: new(Pool)}, client, 0)
		server.c.Init(Server, &Options{Pool: new(Pool)}, server, 0)
		for now := range int64(300) {
			if now < 200 && rng.IntN(4) == 0 {
				client.open()
			}
			// A second each, so that giving up is within the server's budget.
			carry(rng, now*second, &client.c, &server.c)
			carry(rng, now*second, &server.c, &client.c)
		}
		for _, f := range []*fickle{client, server} {
			for s := range f.live {
				f.release(s)
			}
		}
		for len(client.c.Out)+len(server.c.Out) > 0 {
			carry(rng, 300*second, &client.c, &server.c)
			carry(rng, 300*second, &server.c, &client.c)
		}
		checkBalanced(t, seed, &client.c, &server.c)
		checkBalanced(t, seed, &server.c, &client.c)
	}
}

// carry moves a part of what one side sends to the other.
func carry(rng *rand.Rand, now int64, from, to *Conn) {
	n := rng.IntN(len(from.Out) + 1)
	if len(from.Out) < 100 {
		n = len(from.Out)
	}
	to.Receive(now, from.Out[:n])
	from.Out = append(from.Out[:0], from.Out[n:]...)
	from.Written(len(from.Out) < 1000)
}

func checkBalanced(t *testing.T, seed uint64, c, peer *Conn) {
	t.Helper()
	if c.err != nil {
		t.Fatalf("seed %d: %v", seed, c.err)
	}
	if c.live != 0 || len(c.streams.list) != 0 || c.waiting.first != nil {
		t.Errorf("seed %d: %d live, %d open", seed, c.live, len(c.streams.list))
	}
	if c.recvWindow+c.unacked != connWindow || c.recvWindow != peer.sendWindow {
		t.Errorf("seed %d: may receive %d and give back %d, the peer may send %d", seed, c.recvWindow, c.unacked, peer.sendWindow)
	}
}
