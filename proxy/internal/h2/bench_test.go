package h2

import (
	"testing"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// echo serves each request with a small answer, without allocating.
type echo struct {
	c        Conn
	request  h1.Request
	response h1.Response
	ended    int
}

func (e *echo) NewRequest(s *Stream) *h1.Request {
	e.request.Start(e.request.Buffer())
	return &e.request
}

func (e *echo) NewResponse(s *Stream) *h1.Response {
	e.response.Start(e.response.Buffer())
	return &e.response
}

var (
	benchNames  = [][]byte{[]byte("Content-Type"), []byte("Date"), []byte("Server"), []byte("Cache-Control")}
	benchValues = [][]byte{[]byte("text/plain; charset=utf-8"), []byte("Thu, 01 Jan 1970 00:00:00 GMT"), []byte("backend/1.0"), []byte("no-store")}
	benchBody   = make([]byte, 1024)
)

func (e *echo) Head(s *Stream, end bool) {
	if e.c.role == Client {
		return
	}
	s.Respond(200)
	for i := range benchNames {
		s.Field(benchNames[i], benchValues[i])
	}
	s.EndHead(false)
	s.Send(benchBody, true)
	s.Release()
}

func (e *echo) Data(s *Stream, b []byte, end bool) {
	s.Consumed(len(b))
	if end {
		e.ended++
		s.Release()
	}
}

func (e *echo) Trailers(*Stream, []byte)        {}
func (e *echo) Reset(s *Stream, _ Code, _ bool) { s.Release() }
func (e *echo) Writable(*Stream)                {}
func (e *echo) GoingAway()                      {}

// pair is our client and our server, connected.
type pair struct{ client, server echo }

func newPair() *pair {
	p := new(pair)
	o := &Options{Pool: new(Pool)}
	p.client.c.Init(Client, o, &p.client, 0)
	p.server.c.Init(Server, o, &p.server, 0)
	p.exchange()
	return p
}

// exchange moves what each side sends to the other until there is no more.
func (p *pair) exchange() {
	for len(p.client.c.Out)+len(p.server.c.Out) > 0 {
		move(&p.client.c, &p.server.c)
		move(&p.server.c, &p.client.c)
	}
}

func move(from, to *Conn) {
	if len(from.Out) > 0 {
		to.Receive(0, from.Out)
		from.Out = from.Out[:0]
		from.Written(true)
	}
}

var benchTarget = h1.Target{Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("www.example.com"), Path: []byte("/api/v1/items/42?sort=name")}

func (p *pair) request() {
	s := p.client.c.Open(nil, &benchTarget)
	s.Field([]byte("User-Agent"), []byte("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"))
	s.Field([]byte("Accept"), []byte("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"))
	s.Field([]byte("Accept-Encoding"), []byte("gzip, deflate"))
	s.Field([]byte("Cookie"), []byte("session=0123456789abcdef0123456789abcdef"))
	s.EndHead(true)
	p.exchange()
}

// One request and its response through both roles: what a proxy does for two
// connections.
func BenchmarkExchange(b *testing.B) {
	p := newPair()
	b.ReportAllocs()
	for b.Loop() {
		p.request()
		if p.client.c.nextID > maxStream/2 {
			p = newPair()
		}
	}
	if p.client.c.Err() != nil || p.client.ended == 0 {
		b.Fatal(p.client.c.Err())
	}
}

// The server's side alone, with a head that is all in the table, as browsers and
// gRPC clients send it.
func BenchmarkServer(b *testing.B) {
	p := newPeer()
	p.hello(Server)
	lines := with(get, "user-agent: Mozilla/5.0 (X11; Linux x86_64)", "accept: text/html,application/xhtml+xml", "cookie: session=0123456789abcdef", "x-trace: on")
	p.head(1, true, lines...)
	first := p.take()
	p.head(1, true, lines...)
	request := p.take()
	var e echo
	o := &Options{Pool: new(Pool)}
	start := func() { e.c.Init(Server, o, &e, 0); e.c.Receive(0, first) }
	start()
	id := uint32(1)
	b.ReportAllocs()
	for b.Loop() {
		if id += 2; id > 1<<20 || e.c.sendWindow < 2048 {
			start()
			id = 3
		}
		request[5], request[6], request[7], request[8] = byte(id>>24), byte(id>>16), byte(id>>8), byte(id)
		e.c.Receive(0, request)
		e.c.Out = e.c.Out[:0]
		e.c.Written(true)
	}
	if e.c.Err() != nil {
		b.Fatal(e.c.Err())
	}
}

func TestExchangesAllocateNothing(t *testing.T) {
	p := newPair()
	p.request()
	if n := testing.AllocsPerRun(1000, p.request); n != 0 {
		t.Errorf("%v allocations for a request and its response", n)
	}
	if p.client.ended < 1000 || p.client.c.live != 0 || p.server.c.live != 0 {
		t.Errorf("%d responses, %d and %d streams live", p.client.ended, p.client.c.live, p.server.c.live)
	}
}
