//go:build linux

package epoll

import (
	"crypto/tls"
	"errors"
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/tlsconn"
)

const (
	// handshakeTime bounds the handshake of a client.
	handshakeTime = 10 * time.Second
	// handshakeSize is about what a handshake keeps: a stack, and the messages.
	handshakeSize = 32 << 10
	// shakingTime is how long handshakes go on before the other connections have
	// their turn. A step of one takes as long as some hundreds of requests.
	shakingTime = 500 * time.Microsecond
)

// secureClient begins the handshake of a client.
func (l *loop) secureClient(s *socket, config *tls.Config, from exchange.Origin) {
	s.tls = &secure{handshaking: true}
	s.tls.conn = tlsconn.NewServer(config)
	l.state.Grow(handshakeSize)
	s.tls.greeting = &greeting{socket: s, from: from, since: l.state.Now()}
	if oldest := l.shaking.add(s.tls.greeting); oldest != nil {
		l.gate.Refuse(overload.NotGreeted)
		l.tellShaken(oldest, "", errCrowded)
		l.reset(oldest.socket)
	}
}

// errCrowded is why a handshake ends that others need the room of.
var errCrowded = errors.New("there are too many handshakes")

// tellShaken tells of a client's handshake that has ended. Who has said nothing may
// have looked only whether the port is open.
func (l *loop) tellShaken(g *greeting, serverName string, err error) {
	if g.heard > 0 {
		l.state.Shaken(g.from.Port, serverName, err, time.Since(l.epoch)-time.Duration(g.since))
	}
}

// secureBackend begins the handshake with a backend.
func (l *loop) secureBackend(s *socket) {
	s.tls.conn = tlsconn.NewClient(s.tls.config)
	s.tls.config = nil
	l.turns.add(s)
}

// turns are the connections whose handshakes can go on, the first come first.
type turns []*socket

func (t *turns) add(s *socket) {
	if !s.tls.waiting {
		s.tls.waiting = true
		*t = append(*t, s)
	}
}

// shakeSome goes on with handshakes for a while, and at least with one.
func (l *loop) shakeSome() {
	if len(l.turns) == 0 {
		return
	}
	i := 0
	for end := time.Now().Add(shakingTime); i < len(l.turns); {
		s := l.turns[i]
		i++
		s.tls.waiting = false
		l.shake(s)
		if time.Now().After(end) {
			break
		}
	}
	l.turns = slices.Delete(l.turns, 0, i)
}

// shake goes on with a handshake.
func (l *loop) shake(s *socket) {
	if s.dead {
		return
	}
	done, err := s.tls.conn.Handshake()
	l.flush(s)
	if done && s.tls.handshaking && !s.done && !s.dead {
		l.shaken(s, err)
	}
	l.advance(s)
}

// shaken tells of the end of a handshake.
func (l *loop) shaken(s *socket, err error) {
	t := s.tls
	t.handshaking = false
	greeted, state := l.shaking.end(t), t.conn.State()
	if greeted != nil {
		l.tellShaken(greeted, state.ServerName, err)
	}
	switch {
	case err == nil && s.peer == nil:
		from := greeted.from
		from.TLS, from.HTTP2, from.ServerName = true, state.NegotiatedProtocol == "h2", state.ServerName
		s.peer = l.state.Accept(s, from)
		t.full = true
	case err == nil:
		t.full = true
		s.connected()
	case s.peer == nil:
		// What the other side is told of the reason is still sent.
		s.Close()
	default:
		s.dialing, s.failed = false, err
	}
}
