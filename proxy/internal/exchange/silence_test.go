package exchange

import (
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

// call opens a gRPC stream that stays open.
func (b *browser) call(timeout string) {
	target := browserTarget
	target.Method = []byte("POST")
	s := b.conn.Open(b, &target)
	s.Field([]byte("content-type"), []byte("application/grpc"))
	if timeout != "" {
		s.Field([]byte("grpc-timeout"), []byte(timeout))
	}
	s.EndHead(timeout != "")
	b.pump()
}

func (b *browser) pass(d time.Duration) {
	b.world.loop.SetNow(b.world.loop.Now() + int64(d))
	b.io.peer.Tick()
	b.pump()
}

// Both sides of a call may say nothing for longer than a client may take for the
// body of a request.
func TestQuietCall(t *testing.T) {
	w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
	b := newBrowser(w)
	b.call("")
	s := w.newSource()
	b.pump()
	s.exchange()
	if len(s.streams) != 1 {
		t.Fatalf("the backend has %d streams", len(s.streams))
	}
	limits := DefaultLimits()
	b.pass(limits.Silence - time.Second)
	if b.answers != 0 || b.resets != 0 {
		t.Fatalf("%d answers and %d resets before the time", b.answers, b.resets)
	}
	s.streams[0].Send([]byte("x"), false)
	s.exchange()
	b.pump()
	b.pass(limits.Silence - time.Second)
	if b.resets != 0 {
		t.Fatal("what the backend says gives no more time")
	}
	b.pass(time.Second)
	if b.resets != 1 {
		t.Errorf("got %d resets, want one", b.resets)
	}
}

// An endpoint is not to blame for what a client would not wait for.
func TestHasteBlamesNobody(t *testing.T) {
	for _, tt := range []struct {
		name    string
		timeout string
		rule    proxyconfig.Rule
		blamed  bool
	}{
		{"the client's time", "1n", proxyconfig.Rule{}, false},
		{"the client's time, less than the rule's", "1m", proxyconfig.Rule{Timeouts: &proxyconfig.Timeouts{RequestMillis: 50}}, false},
		{"the rule's time, less than the client's", "1S", proxyconfig.Rule{Timeouts: &proxyconfig.Timeouts{RequestMillis: 50}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy := &proxyconfig.Policy{Ejection: &proxyconfig.Ejection{ConsecutiveErrors: 1}}
			w := newWorldUnder(policy, proxyconfig.BackendHTTP2, 1, tt.rule)
			b := newBrowser(w)
			b.call(tt.timeout)
			w.newSource()
			b.pump()
			b.pass(50 * time.Millisecond)
			if b.answers != 1 {
				t.Fatalf("got %d answers", b.answers)
			}
			endpoint := w.loop.opts.Snapshot.Load().Cluster("ns/b:80").Endpoints()[0]
			if got := endpoint.EjectedUntil() > 0; got != tt.blamed {
				t.Errorf("ejected: %v, want %v", got, tt.blamed)
			}
		})
	}
}

// A backend that keeps the client's deadline, too, may be the first to break off the call
// when that is over.
func TestBackendsDeadlineIsTheClients(t *testing.T) {
	for _, tt := range []struct {
		name   string
		after  time.Duration
		want   string
		blamed bool
	}{
		{"when it is over", 5 * time.Millisecond, "4", false},
		{"before", 4 * time.Millisecond, "14", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy := &proxyconfig.Policy{Ejection: &proxyconfig.Ejection{ConsecutiveErrors: 1}}
			w := newWorldUnder(policy, proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
			b := newBrowser(w)
			b.call("5m")
			s := w.newSource()
			s.answers = func(*h2.Stream) {}
			b.pump()
			s.exchange()
			w.loop.SetNow(w.loop.Now() + int64(tt.after))
			s.streams[0].Reset(h2.Cancel)
			s.exchange()
			b.pump()
			if got, _ := b.resp.Value("grpc-status"); string(got) != tt.want || b.answers != 1 {
				t.Errorf("got %d answers, the last with the status %q, want %q", b.answers, got, tt.want)
			}
			endpoint := w.loop.opts.Snapshot.Load().Cluster("ns/b:80").Endpoints()[0]
			if got := endpoint.EjectedUntil() > 0; got != tt.blamed {
				t.Errorf("ejected: %v, want %v", got, tt.blamed)
			}
		})
	}
}

func TestGRPCDeadline(t *testing.T) {
	const start = int64(time.Hour)
	for _, tt := range []struct {
		in   string
		want time.Duration
	}{
		{"1n", 1}, {"20u", 20 * time.Microsecond}, {"3m", 3 * time.Millisecond}, {"4S", 4 * time.Second},
		{"5M", 5 * time.Minute}, {"6H", 6 * time.Hour}, {"99999999H", maxDeadline / time.Hour * time.Hour},
		{"", 0}, {"1", 0}, {"S", 0}, {"-1S", 0}, {"1.5S", 0}, {"1s", 0}, {"123456789S", 0},
	} {
		r := new(h1.Request)
		if err := r.Parse([]byte("POST / HTTP/1.1\r\nHost: a\r\nGrpc-Timeout:" + tt.in + "\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		got := grpcDeadline(r, start)
		if got != 0 {
			got -= start
		}
		if got != int64(tt.want) {
			t.Errorf("%q: got %v, want %v", tt.in, time.Duration(got), tt.want)
		}
	}
}
