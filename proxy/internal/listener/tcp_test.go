package listener

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

// below is a configuration of one listener, one route to the addresses, and
// nothing of HTTP.
func below(protocol proxyconfig.Protocol, kind string, addrs ...string) *proxyconfig.Config {
	b := backendAt("b", addrs...)
	b.Protocol = proxyconfig.BackendTCP
	if protocol == proxyconfig.UDP {
		b.Protocol = proxyconfig.BackendUDP
	}
	return &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{{Name: "l4", Protocol: protocol}},
		Routes:    []proxyconfig.Route{l4Route(kind, "r", "l4", "", "b")},
		Backends:  []proxyconfig.Backend{b},
	}
}

func l4Route(kind, name, listener, hostname, backend string) proxyconfig.Route {
	return proxyconfig.Route{
		Kind: kind, Namespace: "ns", Name: name,
		Attachments: []proxyconfig.Attachment{{Listener: listener, Hostnames: []string{hostname}}},
		Rules:       []proxyconfig.Rule{{Backends: []proxyconfig.BackendRef{ref(backend)}}},
	}
}

// echo sends everything back, and a goodbye at the end.
func echo(_ int, c *rawConn) {
	io.Copy(c, c.r)
	io.WriteString(c, " bye")
	c.CloseWrite()
}

// hear reads until the other side is done.
func (c *rawConn) hear() string {
	c.t.Helper()
	b, err := io.ReadAll(c.r)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// hearN reads a string of which the length is known.
func (c *rawConn) hearN(want string) {
	c.t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c.r, b); err != nil || string(b) != want {
		c.t.Fatalf("got %q, %v, want %q", b, err, want)
	}
}

func TestTCPHalfClose(t *testing.T) {
	p := start(t, settings{}, below(proxyconfig.TCP, "TCPRoute", script(t, echo)))
	c := p.dial()
	c.sendRaw("hello")
	c.hearN("hello")
	c.CloseWrite()
	if got := c.hear(); got != " bye" {
		t.Errorf("got %q", got)
	}
	d := p.records.await(t, 1)[0]
	if d.Protocol != probe.TCP || d.RequestBytes != 5 || d.ResponseBytes != 9 || d.Flags != 0 || d.Attempts != 1 ||
		d.Rule.Route.Name != "r" || d.Endpoint == nil || d.Client.String() != c.LocalAddr().String() {
		t.Errorf("got %+v", d.Done)
	}
}

// A server may say its last word first, and go on listening.
func TestTCPHalfCloseByTheServer(t *testing.T) {
	heard := make(chan string, 1)
	p := start(t, settings{}, below(proxyconfig.TCP, "TCPRoute", script(t, func(_ int, c *rawConn) {
		io.WriteString(c, "banner")
		c.CloseWrite()
		heard <- c.hear()
	})))
	c := p.dial()
	if got := c.hear(); got != "banner" {
		t.Errorf("got %q", got)
	}
	c.sendRaw("late")
	c.CloseWrite()
	if got := <-heard; got != "late" {
		t.Errorf("the server got %q", got)
	}
}

func TestTCPResetIsHandedOn(t *testing.T) {
	p := start(t, settings{}, below(proxyconfig.TCP, "TCPRoute", script(t, func(_ int, c *rawConn) {
		c.hearN("x")
		c.SetLinger(0)
	})))
	c := p.dial()
	c.sendRaw("x")
	if _, err := io.ReadAll(c); err == nil {
		t.Error("the connection ended in order")
	}
	if d := p.records.await(t, 1)[0]; d.Flags != probe.FlagUpstreamReset {
		t.Errorf("got flags %b", d.Flags)
	}
}

// Much data takes the way through the kernel, and little does not; both arrive
// byte by byte as they were sent, in both directions at once.
func TestTCPLargeTransfer(t *testing.T) {
	const size = 64 << 20
	p := start(t, settings{}, below(proxyconfig.TCP, "TCPRoute", script(t, echo)))
	c := p.dial()
	go func() {
		io.Copy(c, io.LimitReader(noise(), size))
		c.CloseWrite()
	}()
	got, want := make([]byte, 1<<20), make([]byte, 1<<20)
	sent := noise()
	for n := 0; n < size; n += len(got) {
		if _, err := io.ReadFull(c.r, got); err != nil {
			t.Fatal(err)
		}
		io.ReadFull(sent, want)
		if !bytes.Equal(got, want) {
			t.Fatalf("the megabyte at %d differs", n)
		}
	}
	if got := c.hear(); got != " bye" {
		t.Errorf("got %q at the end", got)
	}
	if d := p.records.await(t, 1)[0]; d.RequestBytes != size || d.ResponseBytes != size+4 {
		t.Errorf("counted %d and %d", d.RequestBytes, d.ResponseBytes)
	}
}

// noise is the same bytes each time.
func noise() io.Reader { return rand.NewChaCha8([32]byte{1}) }

func TestTCPTriesTheNextEndpoint(t *testing.T) {
	dead := fmt.Sprintf("127.0.0.1:%d", porttest.Free(t))
	p := start(t, settings{}, below(proxyconfig.TCP, "TCPRoute", dead, script(t, echo)))
	for range 4 {
		c := p.dial()
		c.CloseWrite()
		if got := c.hear(); got != " bye" {
			t.Errorf("got %q", got)
		}
	}
	retried := 0
	for _, d := range p.records.await(t, 4) {
		if d.Flags == probe.FlagRetried && d.Attempts == 2 {
			retried++
		}
	}
	if retried != 1 {
		t.Errorf("%d of 4 connections tried the dead endpoint, want 1", retried)
	}
}

func TestTCPWithoutBackendIsReset(t *testing.T) {
	dead := fmt.Sprintf("127.0.0.1:%d", porttest.Free(t))
	tests := []struct {
		name   string
		change func(*proxyconfig.Config)
		flags  probe.Flags
	}{
		{"no route", func(c *proxyconfig.Config) { c.Routes = nil }, probe.FlagNoRoute},
		{"invalid rule", func(c *proxyconfig.Config) { c.Routes[0].Rules[0].Invalid = "no" }, probe.FlagUpstreamFailed},
		{"invalid reference", func(c *proxyconfig.Config) { c.Routes[0].Rules[0].Backends[0].Backend = "" }, probe.FlagUpstreamFailed},
		{"no weight", func(c *proxyconfig.Config) { c.Routes[0].Rules[0].Backends[0].Weight = 0 }, probe.FlagUpstreamFailed},
		{"no endpoint", func(c *proxyconfig.Config) { c.Backends[0].Endpoints = nil }, probe.FlagUpstreamFailed},
		{"no answer", func(*proxyconfig.Config) {}, probe.FlagUpstreamFailed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := below(proxyconfig.TCP, "TCPRoute", dead)
			test.change(c)
			p := start(t, settings{}, c)
			if err := meet(p.addr()); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got %v, want a reset", err)
			}
			if d := p.records.await(t, 1)[0]; d.Flags != test.flags {
				t.Errorf("got flags %b", d.Flags)
			}
			stats := p.set.Stats()
			if got := stats[len(stats)-1].Refused; got != 1 {
				t.Errorf("counted %d", got)
			}
		})
	}
}

func TestTCPConnectionsOfAListenerAreBounded(t *testing.T) {
	c := below(proxyconfig.TCP, "TCPRoute", script(t, echo))
	p := start(t, settings{maxConnections: 2}, c)
	one, two := p.dial(), p.dial()
	for _, c := range []*rawConn{one, two} {
		c.sendRaw("x")
		c.hearN("x")
	}
	if err := meet(p.addr()); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a third connection met %v", err)
	}
	one.CloseWrite()
	one.hear()
	eventually(t, func() bool { return meet(p.addr()) == nil })
}

// meet returns the error that a connection meets which says one byte and wants
// it back. A reset may come as early as while it is being opened.
func meet(addr string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "x"); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1))
	return err
}

func TestIdleConnectionsEnd(t *testing.T) {
	p := start(t, settings{idle: time.Second}, below(proxyconfig.TCP, "TCPRoute", script(t, echo)))
	c, busy := p.dial(), p.dial()
	begin := time.Now()
	for time.Since(begin) < 1500*time.Millisecond {
		busy.sendRaw("x")
		busy.hearN("x")
		time.Sleep(10 * time.Millisecond)
	}
	if got := c.hear(); got != "" {
		t.Errorf("got %q", got)
	}
	if d := p.records.await(t, 1)[0]; d.Flags != probe.FlagTimeout {
		t.Errorf("got flags %b", d.Flags)
	}
	busy.CloseWrite()
	if got := busy.hear(); got != " bye" {
		t.Errorf("the busy one got %q", got)
	}
}
