package l4

import (
	"net"
	"sync/atomic"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// flow is a session's socket to one endpoint.
type flow struct {
	session *session
	lease   *lease
	conn    *net.UDPConn
	source  *source
	sink    *sink
	// answered is set once the endpoint has sent a datagram, failed once it has
	// refused one.
	answered, failed atomic.Bool
}

func newFlow(s *session, l *lease, conn *net.UDPConn) (*flow, error) {
	src, err := newSource(conn, func() *bufferPool { return datagramBuffers })
	if err != nil {
		return nil, err
	}
	out, err := newSink(conn)
	if err != nil {
		return nil, err
	}
	return &flow{session: s, lease: l, conn: conn, source: src, sink: out}, nil
}

// usable says whether the session stays with the endpoint.
func (f *flow) usable() bool { return !f.failed.Load() && !f.lease.endpoint.Gone() }

// close closes the socket and counts the session out. It may be called again.
// The port's sessions are locked.
func (f *flow) close() {
	f.conn.Close()
	if f.answered.Load() {
		f.lease.end(balance.Answered)
		return
	}
	f.lease.end(balance.Abandoned)
}

// send sends a datagram without waiting for room.
func (f *flow) send(b []byte) error { return f.sink.send(b) }

// fail tells all that the endpoint refuses datagrams.
func (f *flow) fail() {
	if !f.failed.Swap(true) {
		f.lease.endpoint.Failed(f.session.port.server.opts.Now())
	}
}

// receive forwards what the endpoint sends, until its socket is closed or the
// endpoint fails.
func (f *flow) receive() {
	defer f.source.release()
	server := f.session.port.server
	for {
		b, err := f.source.next()
		if err != nil {
			if isUnreachable(err) {
				f.fail()
			}
			return
		}
		if !f.answered.Load() {
			f.answered.Store(true)
			f.lease.reached()
		}
		f.answer(b)
		f.source.done()
		f.session.last.Store(server.opts.Now())
	}
}

// answer sends a datagram to the client, from the address that it sent to.
func (f *flow) answer(b []byte) {
	s := f.session
	if _, _, err := s.port.conn.WriteMsgUDPAddrPort(b, s.control, s.key.client); err != nil {
		s.port.server.dropped.Add(1)
		return
	}
	s.received.Add(uint64(len(b)))
}
