package exchange

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/extauth"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// newGuardedWorld has one endpoint, which is asked, too: by the first connection
// that is dialed.
func newGuardedWorld(maxBody int32) *world {
	return newWorldOf(1, proxyconfig.Rule{Filters: []proxyconfig.Filter{{
		Type: proxyconfig.FilterExternalAuth, ExternalAuth: &proxyconfig.ExternalAuth{
			Protocol: proxyconfig.AuthHTTP, Backend: "ns/b:80", MaxBodyBytes: maxBody,
		},
	}}})
}

const allowed = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-User: alice\r\n\r\n"

// turn ends a turn of the driver.
func (w *world) turn() { w.loop.Flush() }

// The request is held back until the server has allowed it, and sent over the
// same connection then, as both are of one backend.
func TestAuthorizationHoldsBack(t *testing.T) {
	w := newGuardedWorld(0)
	w.client("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
	w.turn()
	w.connected()
	if got := w.conn.Want(1 << 10); got != 0 {
		t.Errorf("%d bytes of the body are read meanwhile", got)
	}
	w.fake.log.Reset()
	w.upstream(allowed)
	w.wants(t)
	w.turn()
	w.wants(t, `upstream <- POST /x HTTP/1.1 "a"`)
	if got := w.backend().sent.String(); !strings.Contains(got, "X-User: alice\r\n") || strings.Count(got, "POST /x") != 2 {
		t.Errorf("the backend got %q", got)
	}
	w.client("bc")
	w.wants(t, `upstream <- "bc"`)
	w.upstream(ok)
	w.wants(t, `client <- HTTP/1.1 200 OK "ok"`)
	w.wantsAllEnded(t)
}

// wantsAllEnded checks that one request was reported, and nothing goes on.
func (w *world) wantsAllEnded(t *testing.T) {
	t.Helper()
	w.turn()
	if len(w.done) != 1 || w.loop.Active.Load() != 0 || len(w.loop.decided) != 0 {
		t.Errorf("%d records, %d active, %d to decide", len(w.done), w.loop.Active.Load(), len(w.loop.decided))
	}
	for _, e := range w.fake.dialed {
		if n := e.InFlight(); n != 0 {
			t.Errorf("the endpoint has %d requests", n)
		}
	}
}

// However the call fails, the backend does not see the request, and the
// connection that the server was asked by serves nobody any more.
func TestAuthorizationFails(t *testing.T) {
	tests := []struct {
		name  string
		event func(*testing.T, *world)
		want  int
	}{
		{"refused", func(t *testing.T, w *world) {
			for range maxConnects {
				w.upstreamEnds(errors.New("refused"))
			}
		}, 502},
		{"reset", func(t *testing.T, w *world) {
			for range maxRepeats + 1 {
				w.connected()
				w.upstreamEnds(errors.New("reset"))
			}
		}, 502},
		{"no HTTP", func(t *testing.T, w *world) { w.connected(); w.upstream("oh\r\n\r\n") }, 502},
		{"silent", func(t *testing.T, w *world) {
			w.connected()
			w.pass(authTime - time.Second)
			w.turn()
			if got := w.full(); got != "" {
				t.Errorf("the client got %q too early", got)
			}
			w.pass(time.Second)
		}, 504},
		{"never connected", func(t *testing.T, w *world) {
			for range maxConnects {
				w.pass(DefaultLimits().Connect)
			}
		}, 504},
		{"no sockets", func(t *testing.T, w *world) { w.fake.exhausted = true; w.upstreamEnds(errors.New("refused")) }, 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newGuardedWorld(0)
			w.client(get)
			w.turn()
			test.event(t, w)
			w.turn()
			if got, want := w.full(), fmt.Sprintf("HTTP/1.1 %d ", test.want); !strings.HasPrefix(got, want) {
				t.Errorf("the client got %q, want %s", got, want)
			}
			for _, c := range w.fake.all {
				if !c.dead {
					t.Error("a connection is left")
				}
			}
			w.wantsAllEnded(t)
		})
	}
}

// A client that leaves ends the call, whatever it has come to.
func TestAuthorizationOfAClientThatLeaves(t *testing.T) {
	for name, event := range map[string]func(*world){
		"while dialing":      func(*world) {},
		"while asking":       func(w *world) { w.connected() },
		"while decided":      func(w *world) { w.connected(); w.upstream(allowed) },
		"half an answer":     func(w *world) { w.connected(); w.upstream("HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nhalf") },
		"too much an answer": func(w *world) { w.connected(); w.upstream(endless("403 No")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newGuardedWorld(0)
			w.client(get)
			w.turn()
			event(w)
			w.conn.Broken()
			w.turn()
			w.wantsAllEnded(t)
			if len(w.fake.all) != 1 || name != "while decided" && !w.fake.all[0].dead {
				t.Errorf("%d connections, the first closed: %v", len(w.fake.all), w.fake.all[0].dead)
			}
		})
	}
}

// endless is a response without an end, and more of its body than is kept.
func endless(status string) string {
	return "HTTP/1.1 " + status + "\r\nX-A: 1\r\n\r\n" + strings.Repeat("a", extauth.MaxAnswer+1)
}

// The verdict does not wait for the end of an answer that has none.
func TestAuthorizationOfAnEndlessAnswer(t *testing.T) {
	w := newGuardedWorld(0)
	w.client(get)
	w.turn()
	w.connected()
	w.upstream(strings.Replace(endless("403 No"), "\r\n", "\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nETag: \"a\"\r\nContent-Security-Policy: sandbox\r\n", 1))
	w.upstream("more")
	w.turn()
	if got := w.full(); !strings.HasPrefix(got, "HTTP/1.1 403 Forbidden\r\nContent-Security-Policy: sandbox\r\nX-A: 1\r\nContent-Length: 0\r\n") || !strings.HasSuffix(got, "Content-Length: 0\r\n\r\n") || !w.fake.all[0].dead {
		t.Errorf("the client got %q", got)
	}
	w.wantsAllEnded(t)
}

// The body is read before the question is sent, and no further than it may go.
func TestAuthorizationGathersTheBody(t *testing.T) {
	w := newGuardedWorld(4)
	w.client("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
	w.turn()
	if len(w.fake.all) != 0 || w.conn.Want(1<<10) == 0 {
		t.Fatalf("%d connections, %d bytes wanted", len(w.fake.all), w.conn.Want(1<<10))
	}
	w.client("1\r\nd\r\n0\r\nX-T: 1\r\n\r\n")
	w.turn()
	w.connected()
	if got := w.backend().sent.String(); !strings.HasSuffix(got, "Content-Length: 4\r\n\r\nabcd") {
		t.Errorf("the server got %q", got)
	}
	w.backend().sent.Reset()
	w.upstream(allowed)
	w.turn()
	if got := w.backend().sent.String(); !strings.HasSuffix(got, "\r\n\r\n4\r\nabcd\r\n0\r\nX-T: 1\r\n\r\n") || !strings.Contains(got, "X-User: alice\r\n") {
		t.Errorf("the backend got %q", got)
	}
	w.upstream(ok)
	w.wantsAllEnded(t)
}

// A client that is slow to send a body that is waited for is not waited for
// longer than any other.
func TestAuthorizationOfASlowBody(t *testing.T) {
	w := newGuardedWorld(4)
	w.client("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\na")
	w.turn()
	w.pass(DefaultLimits().Body)
	w.turn()
	if got := w.full(); !strings.HasPrefix(got, "HTTP/1.1 408 ") || len(w.fake.all) != 0 {
		t.Errorf("the client got %q, %d connections", got, len(w.fake.all))
	}
	w.wantsAllEnded(t)
}

// A request whose server is not asked, as the proxy has more than it can do, is
// turned away like any other.
func TestAuthorizationIsShed(t *testing.T) {
	w := newGuardedWorld(4)
	gate := overload.NewGate(overload.Limits{})
	w.loop.opts.Gate = gate
	w.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
	w.turn()
	gate.Set(overload.ShedRequests)
	w.client("b")
	w.turn()
	if got := w.full(); !strings.HasPrefix(got, "HTTP/1.1 503 ") || strings.Count(got, "\r\nRetry-After: 1\r\n") != 1 {
		t.Errorf("the client got %q", got)
	}
	if got := gate.Stats().Shed; got != 1 || len(w.fake.all) != 0 {
		t.Errorf("%d were counted, %d connections made", got, len(w.fake.all))
	}
	w.wantsAllEnded(t)
}

// What the server says of a request is not for the client to say in its
// trailers, whenever they come.
func TestAuthorizationGuardsTrailers(t *testing.T) {
	const (
		head    = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		rest    = "1\r\na\r\n0\r\nX-User: mallory\r\nX_User: mallory\r\nX-Sum: 1\r\n\r\n"
		guarded = "\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"
	)
	for name, test := range map[string]struct {
		maxBody       int32
		before, after string
	}{
		"with the head":              {0, head + rest, ""},
		"later":                      {0, head, rest},
		"before the server is asked": {9, head + rest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newGuardedWorld(test.maxBody)
			w.client(test.before)
			w.turn()
			w.connected()
			w.backend().sent.Reset()
			w.upstream(allowed)
			w.turn()
			if test.after != "" {
				w.client(test.after)
			}
			if got := w.backend().sent.String(); !strings.HasSuffix(got, guarded) || strings.Contains(got, "mallory") {
				t.Errorf("the backend got %q", got)
			}
			w.upstream(ok)
			w.wantsAllEnded(t)
		})
	}
}
