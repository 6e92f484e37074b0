//go:build linux

package epoll

import (
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// Under overload a client has to come to the point of its handshake.
func TestGreetingsUnderOverload(t *testing.T) {
	for _, tt := range []struct {
		level   overload.Level
		bytes   int
		tooMuch bool
		after   time.Duration
		slow    bool
	}{
		{overload.Normal, 64 << 10, false, handshakeTime, false},
		{overload.Normal, 64 << 10, false, handshakeTime + 1, true},
		{overload.StopKeepAlive, 64 << 10, false, handshakeTime + 1, true},
		{overload.ShedRequests, 16 << 10, false, 5 * time.Second, false},
		{overload.ShedRequests, 16<<10 + 1, true, 6 * time.Second, true},
		{overload.RefuseConnections, 4 << 10, false, time.Second, false},
		{overload.RefuseConnections, 4<<10 + 1, true, 2 * time.Second, true},
	} {
		g := greeting{since: int64(time.Hour)}
		g.hear(1<<10, overload.Normal)
		if got := g.hear(tt.bytes-1<<10, tt.level); got != tt.tooMuch {
			t.Errorf("level %d, %d bytes: too much %v, want %v", tt.level, tt.bytes, got, tt.tooMuch)
		}
		if got := g.slow(int64(time.Hour+tt.after), tt.level); got != tt.slow {
			t.Errorf("level %d after %v: slow %v, want %v", tt.level, tt.after, got, tt.slow)
		}
	}
}
