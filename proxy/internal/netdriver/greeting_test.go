package netdriver

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// Under overload a client has to come to the point.
func TestGreetingsUnderOverload(t *testing.T) {
	const most = 10 * time.Second
	for _, tt := range []struct {
		level   overload.Level
		bytes   int
		tooMuch bool
		after   time.Duration
		slow    bool
	}{
		{overload.Normal, 64 << 10, false, most - 1, false},
		{overload.Normal, 64 << 10, false, most, true},
		{overload.StopKeepAlive, 64 << 10, false, most, true},
		{overload.ShedRequests, 16 << 10, false, 5*time.Second - 1, false},
		{overload.ShedRequests, 16<<10 + 1, true, 5 * time.Second, true},
		{overload.RefuseConnections, 4 << 10, false, time.Second - 1, false},
		{overload.RefuseConnections, 4<<10 + 1, true, time.Second, true},
	} {
		gate, since := overload.NewGate(overload.Limits{}), time.Now()
		g := NewGreeting(gate, since, most)
		g.hear(1 << 10)
		gate.Set(tt.level)
		if got := g.hear(tt.bytes - 1<<10); got != tt.tooMuch {
			t.Errorf("level %d, %d bytes: too much %v, want %v", tt.level, tt.bytes, got, tt.tooMuch)
		}
		if got := g.left(since.Add(tt.after)) <= 0; got != tt.slow {
			t.Errorf("level %d after %v: slow %v, want %v", tt.level, tt.after, got, tt.slow)
		}
	}
}

// A client that is waited for has no more time than the level leaves it that has risen
// meanwhile.
func TestLevelsRiseWhileAClientIsSilent(t *testing.T) {
	gate := overload.NewGate(overload.Limits{})
	g := NewGreeting(gate, time.Now().Add(-time.Minute), time.Hour)
	near, far := net.Pipe()
	defer far.Close()
	ended := make(chan error)
	go func() {
		_, err := g.Read(near, make([]byte, 1))
		ended <- err
	}()
	gate.Set(overload.ShedRequests)
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it is still waited for")
	}
}
