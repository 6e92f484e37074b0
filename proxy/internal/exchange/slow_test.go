package exchange

import (
	"errors"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// measures counts how often connections were asked about, by their names.
type measures map[string]int

// measuredConn has a world's connections answer.
type measuredConn struct {
	*fakeConn
	asked measures
}

func (c *measuredConn) Measure() traffic.Socket {
	if c.dead {
		return traffic.Socket{}
	}
	c.asked[c.name]++
	return traffic.Socket{Known: true, RTT: time.Duration(len(c.name)) * time.Millisecond}
}

// newSlowWorld asks about requests that take two seconds.
func newSlowWorld() (*world, measures) {
	w, asked := newWorld(1, nil), measures{}
	w.loop.opts.Slow = func(*proxyconfig.Settings) time.Duration { return 2 * time.Second }
	w.loop.adopt(nil)
	w.conn.io = &measuredConn{w.fake.client, asked}
	return w, asked
}

// begin sends a request as far as the backend, whose connection can be asked.
func (w *world) begin(asked measures) {
	w.client("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	w.connected()
	b := w.backend().peer.(*http1Backend)
	b.io = &measuredConn{w.backend(), asked}
}

func TestOnlySlowRequestsAreExplained(t *testing.T) {
	client := traffic.Socket{Known: true, RTT: 6 * time.Millisecond}
	backend := traffic.Socket{Known: true, RTT: 8 * time.Millisecond}
	tests := []struct {
		name string
		took time.Duration
		end  func(*world)
		// slow: the report says so, with what of the backend.
		slow    bool
		backend traffic.Socket
	}{
		{"in time", 2*time.Second - 1, func(w *world) { w.upstream("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }, false, traffic.Socket{}},
		{"late", 2 * time.Second, func(w *world) { w.upstream("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }, true, backend},
		{"late, and the client is gone", 3 * time.Second, func(w *world) { w.conn.Ended(errors.New("reset")) }, true, backend},
		{"late, and the backend is gone", 3 * time.Second, func(w *world) {
			w.upstream("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
			w.upstreamEnds(errors.New("reset"))
		}, true, backend},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, asked := newSlowWorld()
			w.begin(asked)
			w.pass(tt.took)
			tt.end(w)
			if len(w.done) != 1 {
				t.Fatalf("got %d reports", len(w.done))
			}
			d := w.done[0]
			if d.Slow != tt.slow || d.BackendSocket != tt.backend {
				t.Errorf("got slow %v, backend %+v; want %v and %+v", d.Slow, d.BackendSocket, tt.slow, tt.backend)
			}
			if tt.slow && d.ClientSocket != client {
				t.Errorf("client: got %+v, want %+v", d.ClientSocket, client)
			}
			if !tt.slow && len(asked) != 0 {
				t.Errorf("the kernel was asked: %v", asked)
			}
		})
	}
}

func TestAReportForgetsTheSlowOneBefore(t *testing.T) {
	w, asked := newSlowWorld()
	w.begin(asked)
	w.pass(5 * time.Second)
	w.upstream("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	w.client("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	w.upstream("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	if len(w.done) != 2 || !w.done[0].Slow {
		t.Fatalf("got %+v", w.done)
	}
	if d := w.done[1]; d.Slow || d.ClientSocket.Known || d.BackendSocket.Known {
		t.Errorf("got slow %v, client %+v, backend %+v", d.Slow, d.ClientSocket, d.BackendSocket)
	}
}
