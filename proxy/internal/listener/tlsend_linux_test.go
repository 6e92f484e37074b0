package listener

import (
	"bytes"
	"crypto/tls"
	"net"
	"syscall"
	"testing"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// bunched is a connection that sends its second flight, and what comes behind it,
// when it is told to.
type bunched struct {
	*net.TCPConn
	greeted bool
	held    bytes.Buffer
}

func (b *bunched) Write(p []byte) (int, error) {
	if b.greeted {
		return b.held.Write(p)
	}
	b.greeted = true
	return b.TCPConn.Write(p)
}

// end sends what was held and the end of it all as one segment.
func (b *bunched) end() error {
	raw, err := b.SyscallConn()
	if err != nil {
		return err
	}
	if e := raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CORK, 1) }); e != nil || err != nil {
		return err
	}
	if _, err := b.TCPConn.Write(b.held.Bytes()); err != nil {
		return err
	}
	return b.CloseWrite()
}

// A client that is gone when its handshake has just been finished is not waited
// for: its end came before anything was read of what it said.
func TestEndBehindTheHandshake(t *testing.T) {
	a := newAuthority(t, "a.example")
	onDrivers(t, func(t *testing.T, d Driver) {
		p := start(t, settings{driver: d, certificates: a, connections: overload.Limits{}}, a.secured(a.backend(t, false, false)))
		for range 10 {
			nc, err := net.Dial("tcp", p.addr())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			b := &bunched{TCPConn: nc.(*net.TCPConn)}
			c := tls.Client(b, &tls.Config{InsecureSkipVerify: true})
			if _, err := c.Write([]byte("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\nabc")); err != nil {
				t.Fatal(err)
			}
			if err := b.end(); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() bool { return p.set.opts.Gate.Door(p.port).Open() == 0 })
		}
	})
}
