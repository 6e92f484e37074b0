package exchange

import (
	"errors"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
)

// taken is a Sink that counts.
type taken struct{ requests []*tracing.Request }

func (s *taken) Take(r *tracing.Request) { s.requests = append(s.requests, r) }

// trace has the requests of a world traced from now on.
func (w *world) trace(sampling proxyconfig.Fraction) *taken {
	sink := &taken{}
	w.loop.opts.Spans = sink
	for _, p := range w.loop.opts.Snapshot.Load().Ports {
		p.Tracing = tracing.NewPolicy(&proxyconfig.Tracing{Sampling: sampling, ParentSampling: &sampling})
	}
	return sink
}

// What is not recorded costs no memory, and has its trace passed on.
func TestTracedPathDoesNotAllocate(t *testing.T) {
	serve, w := plainWorld(t)
	sink := w.trace(proxyconfig.Fraction{Denominator: 1})
	if n := testing.AllocsPerRun(1000, serve); n != 0 {
		t.Errorf("%v allocations per request", n)
	}
	if len(sink.requests) != 0 {
		t.Errorf("%d requests were recorded", len(sink.requests))
	}
}

func TestEachEndpointIsAnAttempt(t *testing.T) {
	w := newWorld(4, nil)
	sink := w.trace(proxyconfig.Fraction{Numerator: 1, Denominator: 1})
	w.client(get)
	for range 3 {
		w.upstreamEnds(errors.New("refused"))
	}
	if len(sink.requests) != 1 {
		t.Fatalf("got %d records", len(sink.requests))
	}
	r := sink.requests[0]
	if len(r.Attempts) != 3 || r.Status != 502 || r.Error != "502" {
		t.Fatalf("got %+v", r)
	}
	for i, a := range r.Attempts {
		if a.Error != tracing.ErrorConnect || a.Status != 0 || a.Span == r.Span || a.End.Before(a.Start) {
			t.Errorf("attempt %d: got %+v", i, a)
		}
	}
}

func TestAClientThatLeavesCancels(t *testing.T) {
	w := newWorld(1, nil)
	sink := w.trace(proxyconfig.Fraction{Numerator: 1, Denominator: 1})
	w.client(get + get)
	w.connected()
	w.conn.Ended(nil)
	w.upstream(ok)
	// The second is given up as nothing is heard of its client.
	w.pass(5 * time.Second)
	if len(sink.requests) != 2 {
		t.Fatalf("got %d records", len(sink.requests))
	}
	if r := sink.requests[0]; r.Error != "" || len(r.Attempts) != 1 || r.Attempts[0].Status != 200 {
		t.Errorf("the first: got %+v", r)
	}
	r := sink.requests[1]
	if r.Error != tracing.ErrorCancelled || r.Status != 0 || len(r.Attempts) != 1 || r.Attempts[0].Error == "" || r.Trace == sink.requests[0].Trace {
		t.Errorf("the second: got %+v", r)
	}
}
