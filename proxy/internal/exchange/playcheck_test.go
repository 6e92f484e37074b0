package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// check looks for what is left, and at what the backends were sent.
func (p *play) check() {
	l, t := p.loop, p.t
	if !p.client.dead || l.Open.Load() != 0 || l.Active.Load() != 0 {
		t.Errorf("the client is gone: %v; %d open, %d active", p.client.dead, l.Open.Load(), l.Active.Load())
	}
	if n := len(l.mirrors) + len(l.decided) + len(l.begun) + len(l.dirty); n != 0 {
		t.Errorf("%d copies, %d to decide, %d to go on, %d to be flushed", len(l.mirrors), len(l.decided), len(l.begun), len(l.dirty))
	}
	p.checkSpares()
	for i, w := range p.backends {
		if !w.dead {
			t.Errorf("connection %d to a backend is left", i)
		}
		if p.http2 {
			p.checkFrames(w.sent, true)
		} else {
			p.checkRequests(w.sent)
		}
	}
	if _, ok := p.client.peer.(*http2Client); ok {
		p.checkFrames(p.client.sent, false)
	}
	p.checkLimits()
}

// checkSpares looks for what was given back twice: two requests would share it.
func (p *play) checkSpares() {
	l := p.loop
	distinct(p.t, "exchange", l.spare.idle, func(x *exchange) any { return x })
	distinct(p.t, "stream", l.streams.idle, func(s *http2Stream) any { return s })
	distinct(p.t, "call", l.calls.idle, func(c *http2Call) any { return c })
	distinct(p.t, "buffer", l.buffers.idle, func(b []byte) any { return &b[:1][0] })
}

func distinct[T any](t *testing.T, what string, all []T, key func(T) any) {
	seen := map[any]bool{}
	for _, v := range all {
		if seen[key(v)] {
			t.Errorf("a %s is spare twice", what)
		}
		seen[key(v)] = true
	}
}

// checkLimits looks whether the backend's places are all free again.
func (p *play) checkLimits() {
	if p.cluster == nil {
		return
	}
	e := p.cluster.Endpoints()[0]
	for _, e := range p.cluster.Endpoints() {
		if e.InFlight() != 0 {
			p.t.Errorf("%d in flight", e.InFlight())
		}
	}
	connections, pending := 0, 0
	for connections <= playConnections && e.Connect() {
		connections++
	}
	for pending <= playPending && p.cluster.Queue() {
		pending++
	}
	if connections != playConnections || pending != playPending {
		p.t.Errorf("there is room for %d connections and %d that wait", connections, pending)
	}
}

// checkRequests has another implementation read what an HTTP/1 backend was sent.
func (p *play) checkRequests(sent []byte) {
	for in := bufio.NewReader(bytes.NewReader(sent)); ; {
		r, err := http.ReadRequest(in)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				p.t.Errorf("%v of %q", err, sent)
			}
			return
		}
		host, _, _ := strings.Cut(r.Host, ":")
		if host != "a" || r.URL.Path == "" || r.URL.Path[0] != '/' {
			p.t.Errorf("a request for %q of %q in %q", r.URL.Path, r.Host, sent)
		}
		if r.Header.Get("Upgrade") != "" {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				p.t.Errorf("%v in the body of %q", err, sent)
			}
			return
		}
	}
}

// checkFrames has another implementation read what a side of HTTP/2 was sent.
func (p *play) checkFrames(sent []byte, preface bool) {
	if preface {
		rest, ok := bytes.CutPrefix(sent, []byte(http2.ClientPreface))
		if !ok && len(sent) >= len(http2.ClientPreface) {
			p.t.Errorf("no preface in %q", sent)
		}
		if !ok {
			return
		}
		sent = rest
	}
	f := http2.NewFramer(io.Discard, bytes.NewReader(sent))
	f.SetMaxReadFrameSize(16 << 10)
	for {
		_, err := f.ReadFrame()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			p.t.Errorf("%v of %q", err, sent)
			return
		}
	}
}
