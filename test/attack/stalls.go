package attack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/fleetgate/fleetgate/test/internal/wire"
)

const (
	// slowHead is more than a proxy waits for a whole head.
	slowHead = 15 * time.Second
	// stalled is how many connections of each kind stall.
	stalled = 100
	// hold is how long what need not end is kept up.
	hold = time.Second
	// apart is the time between two of a crowd.
	apart = 5 * time.Millisecond
	// dripEvery is how long a drip waits for the next one.
	dripEvery = 50 * time.Millisecond
)

// stalls are the attacks by doing nothing, or next to nothing.
func stalls() []Attack {
	noWindow := []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 0}}
	return []Attack{
		{Name: "big responses and no window", run: flood{settings: noWindow, burst: bigResponses}.hold},
		{Name: "big responses and no window, TLS", run: flood{secure: true, settings: noWindow, burst: bigResponses}.hold},
		{Name: "big responses byte by byte", run: flood{settings: noWindow, burst: byteByByte}.hold},
		{Name: "big responses that nobody reads", run: func(_ context.Context, a *Attacker) {
			a.crowd(stalled, func() error { return a.stall(a.Plain, "GET /big HTTP/1.1\r\nHost: "+host+"\r\n\r\n") })
		}},
		{Name: "bodies that do not come", run: func(_ context.Context, a *Attacker) {
			a.crowd(stalled, func() error {
				return a.stall(a.Plain, "POST /attack HTTP/1.1\r\nHost: "+host+"\r\nContent-Length: 1000000\r\n\r\nx")
			})
		}},
		// Such a body is ended after a minute, which is for the proxy's own tests to
		// wait for: here it costs nobody anything meanwhile.
		{Name: "bodies that drip", run: func(_ context.Context, a *Attacker) {
			a.crowd(stalled, a.drip)
		}},
		{Name: "bodies that drip, by HTTP/2", run: flood{burst: dripping}.hold},
		// The preface is CVE-2026-56853, the handshake CVE-2026-22045.
		{Name: "slow heads", Within: slowHead, run: func(_ context.Context, a *Attacker) {
			var all sync.WaitGroup
			for _, slow := range []func() error{
				func() error { return a.trickle(a.Plain, "GET / HTTP/1.1\r\nHost: "+host+"\r\n", "X: y\r\n") },
				func() error { return a.trickle(a.Plain, http2.ClientPreface[:10], "") },
				func() error { return a.trickle(a.Plain, http2.ClientPreface, "") },
				func() error { return a.trickle(a.Plain, openBlock(), "\x00\x00\x01\x09\x00\x00\x00\x00\x01\x00") },
				func() error { return a.trickle(a.TLS, "\x16\x03\x01\x02\x00\x01", "\x00") },
			} {
				all.Go(func() { a.crowd(stalled, slow) })
			}
			all.Wait()
		}},
	}
}

// crowd does one thing many times beside each other, and waits for all. They come
// one by one: who stalls is in no hurry, and what a burst of requests costs would be
// the same if they meant well.
func (a *Attacker) crowd(count int, one func() error) {
	var all sync.WaitGroup
	for range count {
		all.Go(func() {
			if err := one(); err != nil {
				a.trouble(err)
			}
		})
		time.Sleep(apart)
	}
	all.Wait()
}

// hold floods like run, with a connection that need not end.
func (f flood) hold(_ context.Context, a *Attacker) {
	s, err := a.dial(f)
	if err != nil {
		a.trouble(err)
		return
	}
	defer s.Close()
	s.bursts(f.burst, time.Now().Add(hold))
	a.opened(1, s.streams)
}

// bigResponses opens as many streams as a proxy must allow, and leaves them.
func bigResponses(s *session) error {
	if s.streams < 100 {
		return s.openBig()
	}
	return s.breathe()
}

func (s *session) openBig() error {
	return s.block(true, true, wire.Block(wire.Request("GET", host, "/big")...))
}

// byteByByte takes the response of each of 50 streams one byte at a time.
func byteByByte(s *session) error {
	if s.streams < 50 {
		return s.openBig()
	}
	var failed error
	for stream := uint32(1); stream <= s.stream; stream += 2 {
		failed = errors.Join(failed, s.Framer.WriteWindowUpdate(stream, 1))
	}
	return errors.Join(failed, s.Flush(), s.breathe())
}

// stall sends the beginning of something and neither reads nor writes then.
func (a *Attacker) stall(address, begin string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	a.opened(1, 1)
	_, err = conn.Write([]byte(begin))
	time.Sleep(hold)
	return err
}

// drip sends a body a byte at a time.
func (a *Attacker) drip() error {
	conn, err := net.Dial("tcp", a.Plain)
	if err != nil {
		return err
	}
	defer conn.Close()
	a.opened(1, 1)
	_, err = conn.Write([]byte("POST /attack HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 1000000\r\n\r\n"))
	for end := time.Now().Add(hold); err == nil && time.Now().Before(end); _, err = conn.Write([]byte("x")) {
		time.Sleep(dripEvery)
	}
	return err
}

// dripping sends the bodies of as many streams as a proxy must allow a byte at a
// time.
func dripping(s *session) error {
	if s.streams < 100 {
		return s.block(false, true, wire.Block(wire.Request("POST", host, "/attack")...))
	}
	var failed error
	for stream := uint32(1); stream <= s.stream; stream += 2 {
		failed = errors.Join(failed, s.Framer.WriteData(stream, false, []byte("x")))
	}
	time.Sleep(dripEvery)
	return failed
}

// trickle sends the beginning of something that the proxy must not wait for
// forever, and a little more of it each second.
func (a *Attacker) trickle(address, begin, more string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	a.opened(1, 1)
	start := time.Now()
	// What cannot be written was cut off, which reading shows.
	for _, err = conn.Write([]byte(begin)); time.Since(start) < a.Patience; _, err = conn.Write([]byte(more)) {
		if closes(conn, time.Second) || err != nil {
			a.closed(time.Since(start), true)
			return nil
		}
	}
	a.closed(time.Since(start), false)
	return nil
}

// openBlock is a preface, and a header block that goes on.
func openBlock() string {
	block := wire.Block(wire.Request("GET", host, "/attack")...)
	return http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
		fmt.Sprintf("\x00\x00%c\x01\x01\x00\x00\x00\x01%s", len(block), block)
}
