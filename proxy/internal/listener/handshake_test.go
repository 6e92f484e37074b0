package listener

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// handshake waits for the first handshake, and forgets it.
func (r *recorder) handshake(t *testing.T) (first traffic.Handshake) {
	t.Helper()
	eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.handshakes) == 0 {
			return false
		}
		first, r.handshakes = r.handshakes[0], r.handshakes[1:]
		return true
	})
	return first
}

// TestHandshakesAreTold has handshakes end in each way, one after the other.
func TestHandshakesAreTold(t *testing.T) {
	a := newAuthority(t, "a.example")
	trusting := &tls.Config{InsecureSkipVerify: true, ServerName: "a.example"}
	shake := func(config *tls.Config) func(*rawConn) {
		return func(c *rawConn) { _ = tls.Client(c.TCPConn, config).Handshake() }
	}
	for _, tt := range []struct {
		name   string
		client func(*rawConn)
		want   probe.Handshake
	}{
		{"one that is made", shake(trusting), probe.HandshakeMade},
		{"a client that does not trust the certificate", shake(&tls.Config{ServerName: "a.example"}), probe.HandshakeAlert},
		{"a client of a version that is not served", shake(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), probe.HandshakeRefused},
		{"a client that speaks no TLS", func(c *rawConn) { c.sendRaw("GET / HTTP/1.1\r\n\r\n") }, probe.HandshakeRefused},
		{"a client that leaves in between", func(c *rawConn) { c.sendRaw("\x16\x03\x01"); c.Close() }, probe.HandshakeLeft},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onDrivers(t, func(t *testing.T, d Driver) {
				p := start(t, settings{driver: d, certificates: a}, a.secured(a.backend(t, false, false)))
				// One that only looks whether the port is open is not told of.
				p.dial().Close()
				begin := time.Now()
				c := p.dial()
				tt.client(c)
				got := p.records.handshake(t)
				if took := time.Since(begin); got.How != tt.want || got.Took <= 0 || got.Took > took {
					t.Errorf("got %d within %v of %v, want %d", got.How, got.Took, took, tt.want)
				}
				if got.Listener == nil || got.Listener.Name != p.current.Load().Config.Listeners[0].Name || got.Listener.Handshakes == 0 {
					t.Errorf("the listener is %+v", got.Listener)
				}
			})
		})
	}
}

// TestHandshakesThatMakeRoomAreTold has more clients begin a handshake than there is
// room for.
func TestHandshakesThatMakeRoomAreTold(t *testing.T) {
	a := newAuthority(t, "a.example")
	onDrivers(t, func(t *testing.T, d Driver) {
		limits := overload.Limits{Handshakes: 2}
		p := start(t, settings{driver: d, certificates: a, connections: limits}, a.secured(a.backend(t, false, false)))
		for range 20 {
			p.dial().sendRaw("\x16\x03\x01")
		}
		if got := p.records.handshake(t); got.How == probe.HandshakeMade {
			t.Errorf("got %d", got.How)
		}
	})
}

// TestHandshakesThatTakeTooLongAreTold has a client begin a handshake and say no more.
func TestHandshakesThatTakeTooLongAreTold(t *testing.T) {
	a := newAuthority(t, "a.example")
	onDrivers(t, func(t *testing.T, d Driver) {
		p := start(t, settings{driver: d, certificates: a}, a.secured(a.backend(t, false, false)))
		p.dial().sendRaw("\x16\x03\x01")
		gate := p.set.opts.Gate
		eventually(t, func() bool { return gate.Door(p.port).Open() == 1 })
		// At this level a client has a second for what is ten otherwise.
		gate.Set(overload.RefuseConnections)
		if got := p.records.handshake(t); got.How != probe.HandshakeTimeout || got.Took < gate.Level().Patience() {
			t.Errorf("got %d after %v", got.How, got.Took)
		}
	})
}

// TestHandshakesAreOfTheListenerThatIsNamed is for a port that forwards what is in the
// TLS of one listener, and serves the requests in that of another.
func TestHandshakesAreOfTheListenerThatIsNamed(t *testing.T) {
	p := mixed(t)
	for name, listener := range map[string]string{"raw": "raw", "web": "http"} {
		if _, err := p.greet(name, 0, 0); err != nil {
			t.Fatal(err)
		}
		if got := p.records.handshake(t); got.How != probe.HandshakeMade || got.Listener == nil || got.Listener.Name != listener {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
