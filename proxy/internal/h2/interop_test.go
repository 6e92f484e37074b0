package h2

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// pump drives a recorder's Conn over a net.Conn, as a driver does: one lock
// around the Conn, one goroutine that reads.
type pump struct {
	*recorder
	mu   sync.Mutex
	conn net.Conn
	// out carries what is to be written to the goroutine that writes, as both
	// sides of a net.Pipe may want to write at once.
	out  chan []byte
	done chan struct{}
}

func startPump(role Role, conn net.Conn) *pump {
	p := &pump{recorder: newRecorder(role, Options{}), conn: conn, out: make(chan []byte, 1<<16), done: make(chan struct{})}
	go p.write()
	return p
}

func (p *pump) write() {
	for b := range p.out {
		if _, err := p.conn.Write(b); err != nil {
			p.conn.Close()
		}
	}
}

// do calls f with the Conn and writes what comes of it.
func (p *pump) do(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	for len(p.c.Out) > 0 {
		p.out <- bytes.Clone(p.c.Out)
		p.c.Out = p.c.Out[:0]
		p.c.Written(true)
	}
}

// read feeds the Conn until the connection ends.
func (p *pump) read() {
	defer close(p.done)
	b := make([]byte, 5000)
	for {
		n, err := p.conn.Read(b)
		p.do(func() {
			p.c.Receive(0, b[:n])
			if err != nil {
				p.c.Closed()
			}
		})
		if err != nil || p.c.Err() != nil {
			return
		}
	}
}

// Go's HTTP/2 client is served by our server: it gets back what it sent, in the
// body and in trailers.
func TestGoClient(t *testing.T) {
	ours, theirs := net.Pipe()
	p := startPump(Server, ours)
	defer close(p.out)
	p.serve, p.echoes = serveEcho, true
	go p.read()
	tr := &http.Transport{
		Protocols:   h2c(),
		DialContext: func(context.Context, string, string) (net.Conn, error) { return theirs, nil },
	}
	for _, size := range []int{0, 10, 300000} {
		checkEcho(t, tr, strings.Repeat("x", size))
	}
	p.do(p.c.Drain)
	tr.CloseIdleConnections()
	theirs.Close()
	<-p.done
	if n := p.c.Streams(); n != 0 {
		t.Errorf("%d streams are left", n)
	}
}

// serveEcho sends back what comes, then trailers.
func serveEcho(e *exchange, what string, end bool) {
	if what == "head" {
		e.s.Respond(200)
		for name, value := range e.request.Fields(nil) {
			e.s.Field(name, value)
		}
		e.s.Field([]byte("Trailer"), []byte("X-Sum"))
		e.s.EndHead(false)
	}
	e.ended = e.ended || end
	if e.toSend = e.toSend[e.s.Send(e.toSend, false):]; e.ended && len(e.toSend) == 0 {
		e.s.SendTrailers([]byte("x-sum: 1\r\n"))
	}
}

func checkEcho(t *testing.T, rt http.RoundTripper, body string) {
	t.Helper()
	req, _ := http.NewRequestWithContext(context.Background(), "POST", "http://a.example/echo", strings.NewReader(body))
	req.Header.Set("X-Test", "some value")
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || string(got) != body {
		t.Errorf("got %d bytes, want %d, %v", len(got), len(body), err)
	}
	if resp.Header.Get("X-Test") != "some value" || resp.Trailer.Get("X-Sum") != "1" {
		t.Errorf("got %v with trailers %v", resp.Header, resp.Trailer)
	}
}

// Our client gets from Go's HTTP/2 server what it was sent.
func TestGoServer(t *testing.T) {
	ours, theirs := net.Pipe()
	server := &http.Server{Protocols: h2c(), Handler: http.HandlerFunc(goEcho)}
	l := &oneConn{conn: theirs, closed: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	p := startPump(Client, ours)
	defer close(p.out)
	p.do(func() {})
	go p.read()
	ended := make(chan *exchange, 10)
	p.serve = func(e *exchange, what string, end bool) {
		if what == "writable" {
			e.toSend = e.toSend[e.s.Send(e.toSend, true):]
		} else if end {
			ended <- e
		}
	}
	for _, size := range []int{0, 10, 300000} {
		p.do(func() {
			e := p.open("POST", size == 0)
			if size > 0 {
				e.toSend = make([]byte, size)
				e.toSend = e.toSend[e.s.Send(e.toSend, true):]
			}
		})
		e := <-ended
		p.do(func() {
			if v, _ := e.response.Value("x-name"); e.response.Status != 200 || string(v) != "v" || e.received != size || string(e.trailers) != "x-sum: 1\r\n" {
				t.Errorf("got %d, x-name %q, %d bytes and %q", e.response.Status, v, e.received, e.trailers)
			}
			e.s.Release()
		})
	}
	ours.Close()
	<-p.done
	server.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// h2c is HTTP/2 without TLS and nothing else.
func h2c() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   net.Conn
	once   sync.Once
	closed chan struct{}
}

// Accept implements net.Listener.
func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

// Close implements net.Listener.
func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func goEcho(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	w.Header().Set("Trailer", "X-Sum")
	w.Header().Set("X-Name", r.Header.Get("X-Name"))
	w.Write(b)
	w.Header().Set("X-Sum", "1")
}
