package accesslog

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

func TestWants(t *testing.T) {
	tests := []struct {
		name   string
		mode   Mode
		status int
		flags  probe.Flags
		want   bool
	}{
		{"off", Mode{Off, 100}, 503, 0, false},
		{"all", Mode{JSON, 100}, 200, 0, true},
		{"none", Mode{JSON, 0}, 200, 0, false},
		{"a client's mistake among none", Mode{JSON, 0}, 404, 0, false},
		{"a failure among none", Mode{JSON, 0}, 500, 0, true},
		{"a failure among few", Mode{Text, 1}, 504, 0, true},
		{"a connection without an endpoint among none", Mode{JSON, 0}, 0, probe.FlagUpstreamFailed, true},
		{"a connection among none", Mode{JSON, 0}, 0, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := &traffic.Done{Status: test.status, Flags: test.flags}
			for range 200 {
				if got := unpack(test.mode.pack()).wants(d); got != test.want {
					t.Fatalf("got %v, want %v", got, test.want)
				}
			}
		})
	}
}

// The bounds are some twenty standard deviations wide.
func TestASampleIsAShare(t *testing.T) {
	const requests = 10_000
	for _, percent := range []uint8{10, 50, 90} {
		logged := 0
		for range requests {
			if (Mode{JSON, percent}).wants(&traffic.Done{Status: 200}) {
				logged++
			}
		}
		if want := requests / 100 * int(percent); logged < want-1000 || logged > want+1000 {
			t.Errorf("%d%%: got %d of %d", percent, logged, requests)
		}
	}
}

// chunks are what is written, as it comes.
type chunks chan string

func (c chunks) Write(p []byte) (int, error) {
	c <- string(p)
	return len(p), nil
}

// What is logged once it is on is all that comes, and what came before it was off.
func TestTheModeChangesWhileItRuns(t *testing.T) {
	out := make(chunks, 10)
	l := New(Options{Out: out, Loops: 1, Flush: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { l.Run(ctx) })
	request := func(id string) {
		d := sampleDone()
		d.RequestID = []byte(id)
		l.Observer(0).RequestDone(d)
	}
	request("before")
	l.Set(Mode{JSON, 100})
	request("json")
	l.Set(Mode{Text, 100})
	request("text")
	l.Set(Mode{})
	request("after")
	var written string
	for strings.Count(written, "\n") < 2 {
		written += <-out
	}
	cancel()
	wg.Wait()
	lines := strings.Split(written, "\n")
	if len(out) > 0 || len(lines) != 3 || !json.Valid([]byte(lines[0])) ||
		!strings.Contains(lines[0], `"requestID":"json"`) || !strings.Contains(lines[1], `requestID="text"`) {
		t.Errorf("got %q", lines)
	}
	if l.loops[0].buf != nil || l.loops[0].spare != nil {
		t.Error("a log that is off keeps its buffers")
	}
}

// Nothing of a mode is torn, and no line is split by a change.
func TestModesOfManyAtOnce(t *testing.T) {
	out := newGate()
	close(out.open)
	l, stop := start(t, out, 2)
	var wg sync.WaitGroup
	for loop := range 2 {
		wg.Go(func() {
			d := sampleDone()
			for range 500 {
				l.Observer(loop).RequestDone(d)
			}
		})
	}
	wg.Go(func() {
		for i := range 500 {
			l.Set([]Mode{{}, {JSON, 100}, {JSON, 50}}[i%3])
		}
	})
	wg.Wait()
	stop()
	for line := range strings.Lines(out.buf.String()) {
		if !json.Valid([]byte(line)) {
			t.Fatalf("%q", line)
		}
	}
}

func TestARequestThatIsNotLoggedAllocatesNothing(t *testing.T) {
	for _, mode := range []Mode{{}, {JSON, 0}, {JSON, 1}} {
		l := New(Options{Mode: mode, Loops: 1})
		o, d := l.Observer(0), &traffic.Done{Status: 200}
		l.loops[0].buf, l.loops[0].spare = make([]byte, 0, bufferBytes), make([]byte, 0, bufferBytes)
		if n := testing.AllocsPerRun(100, func() { o.RequestDone(d) }); n != 0 {
			t.Errorf("%+v: got %v allocations, want 0", mode, n)
		}
	}
}
