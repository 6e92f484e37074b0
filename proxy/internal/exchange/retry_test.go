package exchange

import (
	"errors"
	"io"
	"strings"
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

// What the backend may have acted upon is sent again only if that does no harm.
func TestRepeatsAfterSendingOnlyWhatIsIdempotent(t *testing.T) {
	const put = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
	var (
		sent   = func(w *world) { w.connected() }
		breaks = func(w *world) {
			w.upstream("HTTP/1.1 ")
			w.upstreamEnds(io.ErrUnexpectedEOF)
		}
		takesLong = func(w *world) { w.pass(70 * time.Millisecond) }
		again     = []string{"drop upstream"}
		gatewayed = []string{"drop upstream", `client <- HTTP/1.1 502 Bad Gateway "Bad Gateway\n"`}
		timedOut  = []string{"drop upstream", `client <- HTTP/1.1 504 Gateway Timeout "Gateway Timeout\n"`}
	)
	for _, tt := range []struct {
		name, request string
		steps         []func(*world)
		want          []string
	}{
		{"POST, broken", post, []func(*world){sent, breaks}, gatewayed},
		{"PUT, broken", put, []func(*world){sent, breaks}, again},
		{"POST, unanswered in time", post, []func(*world){sent, takesLong}, timedOut},
		{"PUT, unanswered in time", put, []func(*world){sent, takesLong}, again},
		{"POST, not sent in time", post, []func(*world){takesLong}, again},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldOf(1, proxyconfig.Rule{
				Retry:    &proxyconfig.Retry{Attempts: 1, ConnectFailure: true, Reset: true, BackoffMillis: 100},
				Timeouts: &proxyconfig.Timeouts{BackendRequestMillis: 70},
			})
			w.client(tt.request)
			for _, step := range tt.steps {
				w.fake.log.Reset()
				step(w)
			}
			w.wants(t, tt.want...)
			w.backOff(t, 1)
			if got, want := len(w.fake.all) == 2, len(tt.want) == len(again); got != want {
				t.Errorf("it was sent again: %t, want %t", got, want)
			}
		})
	}
}

// A stream that was refused, by itself or by a GOAWAY, has not been acted upon,
// whatever its method (RFC 9113, section 8.7).
func TestRepeatsWhatWasRefused(t *testing.T) {
	const (
		refused = "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x07"
		left    = "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		head    = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n"
	)
	for _, tt := range []struct {
		name           string
		in, more, says string
		rule           proxyconfig.Rule
		again          bool
	}{
		{"by a rule", post, "", refused, proxyconfig.Rule{Retry: &proxyconfig.Retry{Attempts: 1, Reset: true}}, true},
		{"alone", post, "", refused, proxyconfig.Rule{}, true},
		{"all above", post, "", left, proxyconfig.Rule{}, true},
		{"in mid-body", head + "a", "b", left, proxyconfig.Rule{}, true},
		{"in the midst of more than is kept", head + "a", strings.Repeat("b", maxReplay), left, proxyconfig.Rule{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldBy(proxyconfig.BackendHTTP2, 1, tt.rule)
			w.client(tt.in)
			w.connected()
			before := w.fake.up
			w.says(plainSettings)
			w.client(tt.more)
			w.says(tt.says)
			w.loop.Flush()
			if again := w.fake.up != before; again != tt.again {
				t.Errorf("sent again: %v, want %v", again, tt.again)
			}
		})
	}
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

// noBudget allows no retry.
func noBudget(refuse bool) *proxyconfig.Policy {
	return &proxyconfig.Policy{RetryBudget: &proxyconfig.RetryBudget{Percent: -1, MinPerSecond: -1, Refuse: refuse}}
}

// A backend that accepts connections and closes them gets a request once if the
// budget is used up, and once more where it had answered on the connection before.
func TestRepeatsAreOfTheBudget(t *testing.T) {
	for _, protocol := range []string{proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2} {
		for served, want := range map[bool]int{false: 1, true: 2} {
			w := newWorldUnder(noBudget(false), protocol, 1, proxyconfig.Rule{})
			if served {
				w.serve(protocol)
			}
			before := len(w.done)
			w.client(get)
			for range maxRepeats + 1 {
				if len(w.done) > before {
					break
				}
				if c := w.backend(); !served || len(w.fake.all) > 1 {
					c.peer.(Backend).Connected()
				}
				w.upstreamEnds(io.ErrUnexpectedEOF)
			}
			if d := w.done[len(w.done)-1]; int(d.Attempts) != want || d.Status != 502 {
				t.Errorf("%s, served before %v: got %d after %d attempts, want 502 after %d", protocol, served, d.Status, d.Attempts, want)
			}
		}
	}
}

// A stream alone that is refused is never sent again for free.
func TestRefusedStreamsAreOfTheBudget(t *testing.T) {
	for left, want := range map[bool]int{false: 1, true: 2} {
		policy := noBudget(false)
		if left {
			policy = &proxyconfig.Policy{RetryBudget: &proxyconfig.RetryBudget{Percent: -1, MinPerSecond: 1}}
		}
		w := newWorldUnder(policy, proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
		w.client(get)
		w.connected()
		w.says(plainSettings + "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x07")
		if got := len(w.fake.all); got != want {
			t.Errorf("budget left %v: %d connections, want %d", left, got, want)
		}
	}
}

// One dial in place of another is free, the next one is of the budget.
func TestDialsAreOfTheBudget(t *testing.T) {
	for refuse, status := range map[bool]int{false: 502, true: 503} {
		w := newWorldUnder(noBudget(refuse), proxyconfig.BackendHTTP1, 4, proxyconfig.Rule{})
		w.client(get)
		for len(w.done) == 0 {
			w.upstreamEnds(errors.New("refused"))
		}
		if got := len(w.fake.all); got != 2 || w.done[0].Status != status {
			t.Errorf("refuse %v: %d after %d dials, want %d after 2", refuse, w.done[0].Status, got, status)
		}
	}
}

// The retries of a rule bring one dial each.
func TestDialsAreBounded(t *testing.T) {
	w := newRetryingWorld(1)
	w.client(get)
	for range 20 {
		if len(w.done) > 0 {
			break
		}
		if w.backend().dead {
			w.pass(time.Second)
			continue
		}
		w.upstreamEnds(errors.New("refused"))
	}
	if got, want := len(w.fake.all), maxConnects+2; got != want || len(w.done) != 1 {
		t.Errorf("%d dials, %d requests done, want %d dials", got, len(w.done), want)
	}
	if n := w.fake.dialed[0].InFlight(); n != 0 {
		t.Errorf("%d attempts are in flight", n)
	}
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
