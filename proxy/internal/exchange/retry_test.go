package exchange

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

const (
	post        = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
	unavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno"
)

func newRetryingWorld(endpoints int) *world {
	return newWorldOf(endpoints, proxyconfig.Rule{Retry: &proxyconfig.Retry{
		Attempts: 2, Codes: []int{503}, ConnectFailure: true, Reset: true, BackoffMillis: 100,
	}})
}

// backOff lets the longest wait before the n-th retry pass.
func (w *world) backOff(t *testing.T, n int) {
	t.Helper()
	w.wants(t)
	w.pass(time.Duration(n) * 100 * time.Millisecond)
}

func TestRetriesByStatus(t *testing.T) {
	w := newRetryingWorld(1)
	w.client(post)
	w.connected()
	w.fake.log.Reset()
	w.upstream(unavailable)
	w.wants(t, "drop upstream")
	w.backOff(t, 1)
	w.wants(t, "dial 1")
	w.connected()
	w.upstream(unavailable)
	w.wants(t, `upstream <- POST / HTTP/1.1 "ab"`, "drop upstream")
	w.backOff(t, 2)
	w.connected()
	w.upstream(unavailable)
	w.wants(t, "dial 1", `upstream <- POST / HTTP/1.1 "ab"`, `client <- HTTP/1.1 503 Service Unavailable "no"`)
	if d := w.done[0]; d.Attempts != 3 || d.Flags&flagRetried == 0 {
		t.Errorf("got %d attempts, flags %b", d.Attempts, d.Flags)
	}
}

func TestRetriesAfterResetThoughNotIdempotent(t *testing.T) {
	w := newRetryingWorld(1)
	w.client(post)
	w.connected()
	w.fake.log.Reset()
	w.upstreamEnds(io.ErrUnexpectedEOF)
	w.wants(t, "drop upstream")
	w.backOff(t, 1)
	w.connected()
	w.upstream(ok)
	w.wants(t, "dial 1", `upstream <- POST / HTTP/1.1 "ab"`, `client <- HTTP/1.1 200 OK "ok"`)
}

func TestRetriesAfterConnectFailures(t *testing.T) {
	w := newRetryingWorld(1)
	w.client(get)
	for range maxConnects {
		w.upstreamEnds(errors.New("refused"))
	}
	w.fake.log.Reset()
	w.backOff(t, 1)
	w.connected()
	w.wants(t, "dial 1", `upstream <- GET / HTTP/1.1 ""`)
}

// A status that the policy does not name is the answer, and one after the body
// has outgrown what is kept.
func TestDoesNotRetry(t *testing.T) {
	w := newRetryingWorld(1)
	w.client(get)
	w.connected()
	w.fake.log.Reset()
	w.upstream("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
	w.wants(t, `client <- HTTP/1.1 502 Bad Gateway ""`)
}

// What is in flight is counted to its end, however it ends.
func TestAttemptsAreSettled(t *testing.T) {
	for name, event := range map[string]func(*world){
		"answered":     func(w *world) { w.connected(); w.upstream(ok) },
		"broken":       func(w *world) { w.connected(); w.upstreamEnds(io.ErrUnexpectedEOF) },
		"refused":      func(w *world) { w.upstreamEnds(errors.New("refused")) },
		"client gone":  func(w *world) { w.connected(); w.conn.Broken() },
		"gone waiting": func(w *world) { w.conn.Broken() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(1, nil)
			w.client(post)
			e := w.fake.dialed[0]
			if e.InFlight() != 1 {
				t.Errorf("%d attempts in flight", e.InFlight())
			}
			for i := 0; i < maxConnects && w.loop.Active.Load() > 0; i++ {
				event(w)
			}
			if e.InFlight() != 0 {
				t.Errorf("%d attempts in flight after the end", e.InFlight())
			}
		})
	}
}
