package websocket

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// tap stands before a server and sees what the proxy sends it, and gets of it.
type tap struct {
	server string

	mu sync.Mutex
	// talks are those of the clients that have offered permessage-deflate, by the
	// target of their request.
	talks map[string]talk
}

// talk is what was seen of a connection: whether the server has agreed to the
// offer, and how many of the client's and of its messages were compressed.
type talk struct {
	agreed         bool
	sent, received int
}

// startTap starts a tap before a server, which speaks TLS if there is a
// configuration for it. It returns where it listens.
func startTap(t *testing.T, server string, config *tls.Config) (p *tap, addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	addr = ln.Addr().String()
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	p = &tap{server: server, talks: map[string]talk{}}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go p.join(c.(closeWriter))
		}
	}()
	return p, addr
}

// closeWriter is a connection of either kind.
type closeWriter interface {
	net.Conn
	CloseWrite() error
}

// join passes on what comes, both ways, until both have ended.
func (p *tap) join(c closeWriter) {
	defer c.Close()
	nc, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer nc.Close()
	s := nc.(closeWriter)
	var up, down watched
	var both sync.WaitGroup
	both.Go(func() { pass(s, io.TeeReader(c, &up)) })
	both.Go(func() { pass(c, io.TeeReader(s, &down)) })
	both.Wait()
	if strings.Contains(up.head, deflate) {
		_, rest, _ := strings.Cut(up.head, " ")
		target, _, _ := strings.Cut(rest, " ")
		p.mu.Lock()
		defer p.mu.Unlock()
		p.talks[target] = talk{strings.Contains(down.head, deflate), up.compressed, down.compressed}
	}
}

const deflate = "permessage-deflate"

func pass(to closeWriter, from io.Reader) {
	_, _ = io.Copy(to, from)
	_ = to.CloseWrite()
}

// watched is one direction of a connection, as it is written to it: a head, and
// then frames (RFC 6455, section 5.2).
type watched struct {
	head string
	// buf is what is not understood yet, skip how much is of no interest.
	buf  []byte
	skip uint64
	// compressed counts the messages that say so.
	compressed int
}

func (w *watched) Write(b []byte) (int, error) {
	w.buf = append(w.buf, b...)
	if w.head == "" {
		head, rest, found := bytes.Cut(w.buf, []byte("\r\n\r\n"))
		if !found {
			return len(b), nil
		}
		w.head, w.buf = string(head), rest
	}
	for w.next() {
	}
	return len(b), nil
}

// next goes on by a payload or a frame's header, and reports whether it could.
func (w *watched) next() bool {
	n := min(w.skip, uint64(len(w.buf)))
	w.buf, w.skip = w.buf[n:], w.skip-n
	if w.skip > 0 || len(w.buf) < 2 {
		return false
	}
	length, size := uint64(w.buf[1]&0x7f), 2
	extended := map[uint64]int{126: 2, 127: 8}[length]
	size += extended
	if w.buf[1]&0x80 != 0 {
		size += len("mask")
	}
	if len(w.buf) < size {
		return false
	}
	if extended > 0 {
		length = bigEndian(w.buf[2 : 2+extended])
	}
	if first := w.buf[0]; first&0x40 != 0 && first&0x0f != 0 {
		w.compressed++
	}
	w.buf, w.skip = w.buf[size:], length
	return true
}

func bigEndian(b []byte) (n uint64) {
	for _, digit := range b {
		n = n<<8 | uint64(digit)
	}
	return n
}
