package listener

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// endlessHello is so much of a hello that goes on for longer.
func endlessHello(size int) string {
	message := "\x01\x00\xff\x00\x03\x03" + strings.Repeat("x", size)
	var out []byte
	for len(out) < size {
		n := min(len(message), 8<<10)
		out = binary.BigEndian.AppendUint16(append(out, "\x16\x03\x01"...), uint16(n))
		out, message = append(out, message[:n]...), message[n:]
	}
	return string(out[:size])
}

// greeted are the ways by which a client can be about to say a hello.
func greeted(t *testing.T) map[string]func(t *testing.T) (p *proxy, before string) {
	a := newAuthority(t, "a.example")
	https := func(t *testing.T, d Driver, trusted ...string) (*proxy, string) {
		c := a.secured(backendAt("b", "127.0.0.1:1"))
		before := ""
		if len(trusted) > 0 {
			c.Listeners[0].ProxyProtocol = &proxyconfig.AcceptedProxyProtocol{TrustedSources: trusted}
			before = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n"
		}
		return start(t, settings{driver: d, certificates: a}, c), before
	}
	return map[string]func(t *testing.T) (*proxy, string){
		"fastest":        func(t *testing.T) (*proxy, string) { return https(t, Fastest) },
		"goroutines":     func(t *testing.T) (*proxy, string) { return https(t, Goroutines) },
		"behind a proxy": func(t *testing.T) (*proxy, string) { return https(t, Fastest, "127.0.0.0/8") },
		"forwarded":      func(t *testing.T) (*proxy, string) { return mixed(t), "" },
	}
}

// wantReset fails unless the connection is broken off.
func (c *rawConn) wantReset() {
	c.t.Helper()
	if _, err := c.r.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		c.t.Errorf("got %v, want a reset", err)
	}
}

// Under overload long hellos are broken off, whoever reads them: each byte is kept
// several times before their end.
func TestLongHellosUnderOverload(t *testing.T) {
	for name, serves := range greeted(t) {
		t.Run(name, func(t *testing.T) {
			p, before := serves(t)
			gate := p.set.opts.Gate
			for i, tt := range []struct {
				level overload.Level
				long  int
			}{{overload.ShedRequests, 16<<10 + 1}, {overload.RefuseConnections, 4<<10 + 1}} {
				gate.Set(overload.Normal)
				c := p.dial()
				c.sendRaw(before + endlessHello(tt.long-1))
				eventually(t, func() bool { return gate.Door(p.port).Open() == 1 })
				gate.Set(tt.level)
				// It may be gone already, where all was read under the level.
				_, _ = c.Write([]byte("xxx"))
				c.wantReset()
				if got := p.refused(overload.NotGreeted); got != uint64(i+1) {
					t.Errorf("level %d: counted %d", tt.level, got)
				}
				eventually(t, func() bool { return gate.Door(p.port).Open() == 0 })
			}
		})
	}
}

// Others are not: what is at home in a hello stays below the bound.
func TestHellosUnderOverload(t *testing.T) {
	for name, serves := range greeted(t) {
		t.Run(name, func(t *testing.T) {
			p, before := serves(t)
			p.set.opts.Gate.Set(overload.ShedRequests)
			c := p.dial()
			c.sendRaw(before)
			protocols := []string{strings.Repeat("x", 200), strings.Repeat("y", 200), "http/1.1"}
			tc := tls.Client(c, &tls.Config{ServerName: "web", InsecureSkipVerify: true, NextProtos: protocols})
			if err := tc.Handshake(); err != nil {
				t.Error(err)
			}
			if got := p.refused(overload.NotGreeted); got != 0 {
				t.Errorf("counted %d", got)
			}
		})
	}
}
