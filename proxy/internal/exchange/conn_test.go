package exchange

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

const (
	get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	ok  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
)

func TestOneByOne(t *testing.T) {
	w := newWorld(1, nil)
	w.client(get + get)
	w.wants(t, "dial 1")
	w.connected()
	w.wants(t, `upstream <- GET / HTTP/1.1 ""`)
	if n := w.conn.Want(100); n != 0 {
		t.Errorf("%d bytes are wanted while the response is out", n)
	}
	w.upstream(ok)
	w.wants(t, `client <- HTTP/1.1 200 OK "ok"`, `upstream <- GET / HTTP/1.1 ""`)
	w.upstream(ok)
	w.wants(t, `client <- HTTP/1.1 200 OK "ok"`)
	w.conn.Ended(nil)
	w.wants(t, "close client")
	if len(w.done) != 2 || w.loop.Active.Load() != 0 || w.loop.Open.Load() != 0 {
		t.Errorf("got %d records, %d active, %d open", len(w.done), w.loop.Active.Load(), w.loop.Open.Load())
	}
}

// What was sent before the client's end is answered, whether its end was seen
// before or after; that no more will come is said with the last answer where it
// is known.
func TestPipelinedBeforeTheEnd(t *testing.T) {
	w := newWorld(1, nil)
	w.client(get)
	w.connected()
	w.conn.Leaving()
	w.upstream(ok)
	w.client(get + get)
	w.conn.Ended(nil)
	w.upstream(ok)
	w.fake.log.Reset()
	w.upstream(ok)
	w.wants(t, `client <- HTTP/1.1 200 OK (close) "ok"`, "close client")
	if len(w.done) != 3 {
		t.Errorf("%d requests were served", len(w.done))
	}
}

// A client that is gone does not have all that it had sent ahead served in
// silence.
func TestPipelinedByAClientThatIsGone(t *testing.T) {
	w := newWorld(1, nil)
	w.client(get + get)
	w.connected()
	w.conn.Ended(nil)
	w.upstream(ok)
	w.fake.log.Reset()
	w.pass(5*time.Second - 1)
	w.wants(t)
	w.pass(1)
	w.wants(t, "drop upstream", "abort client")
}

func TestBackpressure(t *testing.T) {
	w := newWorld(1, nil)
	w.fake.blocked = true
	w.client(get)
	w.connected()
	w.upstream("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
	if n := w.backend().peer.Want(100); n != 0 {
		t.Error("the backend is read while the client does not take")
	}
	w.conn.Flushed()
	if n := w.backend().peer.Want(100); n == 0 {
		t.Error("the backend is not read again")
	}
	w.upstream("cd")
	if n := w.conn.Want(100); n != 0 {
		t.Errorf("%d bytes are wanted while the response is not sent", n)
	}
	w.conn.Flushed()
	if n := w.conn.Want(100); n != 100 {
		t.Errorf("%d bytes are wanted of an idle connection", n)
	}
}

func TestConnectsToAnotherEndpoint(t *testing.T) {
	w := newWorld(4, nil)
	w.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
	w.wants(t, "dial 1")
	if n := w.conn.Want(100); n != 0 {
		t.Errorf("%d bytes are wanted before there is a connection", n)
	}
	w.upstreamEnds(errors.New("refused"))
	w.wants(t, "drop upstream", "dial 2")
	w.pass(2 * time.Second)
	w.wants(t, "drop upstream", "dial 3")
	w.connected()
	w.wants(t, `upstream <- POST / HTTP/1.1 "a"`)
	w.client("b")
	w.wants(t, `upstream <- "b"`)
}

func TestThreeEndpointsRefuse(t *testing.T) {
	w := newWorld(4, nil)
	w.client(get)
	for range 3 {
		w.upstreamEnds(errors.New("refused"))
	}
	w.wants(t, "dial 1", "drop upstream", "dial 2", "drop upstream", "dial 3",
		"drop upstream", `client <- HTTP/1.1 502 Bad Gateway "Bad Gateway\n"`)
	if d := w.done[0]; d.Attempts != 3 || d.Flags&flagUpstreamFailed == 0 {
		t.Errorf("got %d attempts, flags %b", d.Attempts, d.Flags)
	}
}

func TestNoSocketToBeHad(t *testing.T) {
	w := newWorld(1, nil)
	w.fake.exhausted = true
	w.client(get + get)
	const want = `client <- HTTP/1.1 503 Service Unavailable "Service Unavailable\n"`
	w.wants(t, "no socket", want, "no socket", want)
}

// A driver that learns late that there is no socket says so by an error; the
// endpoint is not to blame.
func TestNoSocketAfterAll(t *testing.T) {
	for _, protocol := range []string{proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2} {
		t.Run(protocol, func(t *testing.T) {
			w := newWorldBy(protocol, 2, proxyconfig.Rule{})
			w.client(get)
			w.upstreamEnds(&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)})
			w.wants(t, "dial 1", "drop upstream", `client <- HTTP/1.1 503 Service Unavailable "Service Unavailable\n"`)
			if w.fake.dialed[0].EjectedUntil() != 0 {
				t.Error("the endpoint was ejected")
			}
		})
	}
}

func TestSentAgain(t *testing.T) {
	w := newWorld(1, nil)
	w.client("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab")
	w.connected()
	w.upstreamEnds(nil)
	w.connected()
	w.wants(t, "dial 1", `upstream <- PUT / HTTP/1.1 "ab"`, "drop upstream",
		"dial 1", `upstream <- PUT / HTTP/1.1 "ab"`)
}

func TestNotSentAgain(t *testing.T) {
	for name, w := range map[string]struct{ in, more, response string }{
		"not idempotent": {in: "POST / HTTP/1.1\r\nHost: a\r\n\r\n"},
		"streamed":       {in: "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\na", more: strings.Repeat("b", maxReplay)},
		"begun":          {in: get, response: "HTTP/1.1 2"},
		"interim":        {in: get, response: "HTTP/1.1 103 Early Hints\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			world := newWorld(1, nil)
			world.client(w.in)
			world.connected()
			if w.more != "" {
				world.client(w.more)
			}
			if w.response != "" {
				world.upstream(w.response)
			}
			world.fake.log.Reset()
			world.upstreamEnds(io.ErrUnexpectedEOF)
			world.wants(t, "drop upstream", `client <- HTTP/1.1 502 Bad Gateway "Bad Gateway\n"`)
		})
	}
}

// A connection whose backend sends something between two responses, or ends
// it, is not used again.
func TestIdleConnectionsAreWatched(t *testing.T) {
	for name, event := range map[string]func(*world){
		"answer to nothing": func(w *world) { w.upstream("HTTP/1.1 200 OK\r\n\r\n") },
		"ended":             func(w *world) { w.upstreamEnds(nil) },
		"too long": func(w *world) {
			w.loop.SetNow(w.loop.Now() + int64(90*time.Second))
			w.backend().peer.Tick()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(1, nil)
			w.client(get)
			w.connected()
			w.upstream(ok)
			w.fake.log.Reset()
			event(w)
			w.client(get)
			w.wants(t, "drop upstream", "dial 1")
		})
	}
}

func TestDrainingCloses(t *testing.T) {
	w := newWorld(1, nil)
	w.client(get)
	w.connected()
	w.fake.log.Reset()
	w.draining.Store(true)
	w.upstream(ok)
	w.wants(t, `client <- HTTP/1.1 200 OK (close) "ok"`, "shutdown client")
	w.pass(2 * time.Second)
	w.wants(t, "close client")
}

func TestCloseIdle(t *testing.T) {
	w := newWorld(1, nil)
	w.client(get)
	w.connected()
	w.fake.log.Reset()
	w.conn.CloseIdle()
	w.wants(t)
	w.upstream(ok)
	w.fake.log.Reset()
	w.conn.CloseIdle()
	w.wants(t, "close client")
}

// A connection that was just accepted is about to bring a request, more likely
// than not.
func TestCloseIdleSparesTheFresh(t *testing.T) {
	w := newWorld(1, nil)
	w.conn.CloseIdle()
	w.wants(t)
	w.pass(freshTime)
	w.conn.CloseIdle()
	w.wants(t, "close client")
}

func TestExpiry(t *testing.T) {
	const waiting = `client <- HTTP/1.1 504 Gateway Timeout "Gateway Timeout\n"`
	for _, tt := range []struct {
		name     string
		timeouts *proxyconfig.Timeouts
		in       string
		after    time.Duration
		want     []string
	}{
		{"idle", nil, "", 60 * time.Second, []string{"close client"}},
		{"head", nil, "GET", 10 * time.Second, []string{`client <- HTTP/1.1 408 Request Timeout (close) "Request Timeout\n"`, "shutdown client"}},
		{"body", nil, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 60 * time.Second, []string{"drop upstream", `client <- HTTP/1.1 408 Request Timeout (close) "Request Timeout\n"`, "shutdown client"}},
		{"backend that is silent", nil, get, 5 * time.Minute, []string{"drop upstream", waiting}},
		{"request", &proxyconfig.Timeouts{RequestMillis: 70}, get, 70 * time.Millisecond, []string{"drop upstream", waiting}},
		{"backend", &proxyconfig.Timeouts{BackendRequestMillis: 70}, get, 70 * time.Millisecond, []string{"drop upstream", waiting}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(1, tt.timeouts)
			if tt.in != "" {
				w.client(tt.in)
			}
			if w.fake.up != nil {
				w.connected()
			}
			w.fake.log.Reset()
			if tt.after < SweepEvery && w.loop.Wake() != int64(tt.after) {
				t.Errorf("wake at %v", time.Duration(w.loop.Wake()))
			}
			w.pass(tt.after - 1)
			w.wants(t)
			w.pass(1)
			w.wants(t, tt.want...)
		})
	}
}

// A head that comes byte by byte does not get more time for that.
func TestSlowHead(t *testing.T) {
	w := newWorld(1, nil)
	for i := range 9 {
		w.client(get[i : i+1])
		w.pass(time.Second)
	}
	w.wants(t)
	w.pass(time.Second)
	w.wants(t, `client <- HTTP/1.1 408 Request Timeout (close) "Request Timeout\n"`, "shutdown client")
}

func TestRequestID(t *testing.T) {
	w := newWorld(1, nil)
	seen := map[string]bool{}
	for i, in := range []string{"", "X-Request-Id: mine\r\n", "X-Request-Id: not a token\r\n", "X-Request-Id:\r\n"} {
		w.client("GET / HTTP/1.1\r\nHost: a\r\n" + in + "\r\n")
		if i == 0 {
			w.connected()
		}
		id := string(w.conn.x.bytes(w.conn.x.id))
		if in == "X-Request-Id: mine\r\n" && id != "mine" || in != "X-Request-Id: mine\r\n" && len(id) != 32 || seen[id] {
			t.Errorf("%q: got %q", in, id)
		}
		seen[id] = true
		w.upstream(ok)
	}
}

// discard is an Observer that keeps nothing.
type discard struct{}

func (discard) RequestDone(*traffic.Done) {}

func plain(t testing.TB) func() {
	serve, _ := plainWorld(t)
	return serve
}

// plainWorld returns what has one request served, and the world that it does so
// in.
func plainWorld(t testing.TB) (serve func(), w *world) {
	w = newWorld(1, &proxyconfig.Timeouts{RequestMillis: 15000})
	w.loop.opts.Observer = discard{}
	w.client(get)
	w.connected()
	w.upstream(ok)
	w.fake.quiet = true
	request := []byte("GET /a/b?c=d HTTP/1.1\r\nHost: a\r\nUser-Agent: wrk\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n")
	response := []byte("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello")
	return func() {
		w.conn.Data(request)
		w.backend().peer.Data(response)
		if w.conn.phase != idle {
			t.Fatal("the exchange has not ended")
		}
	}, w
}

func TestPlainPathDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(1000, plain(t)); n != 0 {
		t.Errorf("%v allocations per request", n)
	}
}

func BenchmarkExchange(b *testing.B) {
	f := plain(b)
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}

// Who speaks no version of HTTP gets no answer by one, unless it has spoken it
// before.
func TestForeignProtocol(t *testing.T) {
	const preface = "INVALID CONNECTION PREFACE\r\n\r\n"
	w := newWorld(1, nil)
	w.client(preface)
	w.wants(t, "shutdown client")
	if len(w.done) != 0 {
		t.Errorf("got %d requests", len(w.done))
	}
	w = newWorld(1, nil)
	w.client(get)
	w.connected()
	w.upstream(ok)
	w.fake.log.Reset()
	w.client(preface)
	w.wants(t, `client <- HTTP/1.1 400 Bad Request (close) "Bad Request\n"`, "shutdown client")
}
