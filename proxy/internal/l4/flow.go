package l4

import (
	"net"
	"sync/atomic"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// flow is a session's socket to one endpoint.
type flow struct {
	session  *session
	endpoint *balance.Endpoint
	conn     *net.UDPConn
	source   *source
	sink     *sink
	// failed is set once the endpoint has refused a datagram.
	failed atomic.Bool
}

func newFlow(s *session, e *balance.Endpoint, conn *net.UDPConn) (*flow, error) {
	src, err := newSource(conn, datagramBuffers)
	if err != nil {
		return nil, err
	}
	out, err := newSink(conn)
	if err != nil {
		return nil, err
	}
	return &flow{session: s, endpoint: e, conn: conn, source: src, sink: out}, nil
}

// usable says whether the session stays with the endpoint.
func (f *flow) usable() bool { return !f.failed.Load() && !f.endpoint.Gone() }

// send sends a datagram without waiting for room.
func (f *flow) send(b []byte) error { return f.sink.send(b) }

// fail tells all that the endpoint refuses datagrams.
func (f *flow) fail() {
	if !f.failed.Swap(true) {
		f.endpoint.Failed(f.session.port.server.opts.Now())
	}
}

// receive forwards what the endpoint sends, until its socket is closed or the
// endpoint fails.
func (f *flow) receive() {
	defer f.source.release()
	server := f.session.port.server
	for answered := false; ; {
		b, err := f.source.next()
		if err != nil {
			if isUnreachable(err) {
				f.fail()
			}
			return
		}
		if !answered {
			answered = true
			f.endpoint.Succeeded()
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
