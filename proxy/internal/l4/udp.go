package l4

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// UDPPort is a socket for datagrams and the sessions of its clients.
type UDPPort struct {
	server  *Server
	number  uint16
	conn    *net.UDPConn
	running sync.WaitGroup
	stop    chan struct{}

	mu       sync.Mutex
	closed   bool
	sessions map[sessionKey]*session
}

// sessionKey tells sessions apart: a client that talks to two of the machine's
// addresses has two.
type sessionKey struct {
	client netip.AddrPort
	local  localAddr
}

// OpenUDP opens a port and forwards its datagrams by the current Snapshot, until
// it is closed. Its address is one, or the zero Addr for all of both families.
func (s *Server) OpenUDP(bind netip.Addr, number uint16) (*UDPPort, error) {
	addr := &net.UDPAddr{Port: int(number)}
	if bind.IsValid() {
		addr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(bind, number))
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, err
	}
	if err := wantLocalAddr(conn); err != nil {
		conn.Close()
		return nil, err
	}
	p := &UDPPort{
		server: s, number: number, conn: conn,
		stop: make(chan struct{}), sessions: map[sessionKey]*session{},
	}
	p.running.Go(p.receive)
	p.running.Go(p.sweep)
	return p, nil
}

// Close closes the port and ends its sessions.
func (p *UDPPort) Close() {
	p.mu.Lock()
	p.closed = true
	for _, s := range p.sessions {
		s.end()
	}
	p.mu.Unlock()
	close(p.stop)
	p.conn.Close()
	p.running.Wait()
}

// Expire ends the sessions that have been silent for a time, by the Server's
// clock, or longer.
func (p *UDPPort) Expire(silent time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := p.server.opts.Now() - int64(silent)
	for _, s := range p.sessions {
		if s.last.Load() <= oldest {
			s.end()
		}
	}
}

func (p *UDPPort) sweep() {
	idle := p.idleTime()
	tick := time.NewTimer(sweepAfter(idle))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			idle = p.idleTime()
			p.Expire(idle)
			tick.Reset(sweepAfter(idle))
		case <-p.stop:
			return
		}
	}
}

// maxSweep bounds how late a sweep sees that the idle time is shorter now.
const maxSweep = time.Second

func sweepAfter(idle time.Duration) time.Duration {
	return min(max(idle/4, time.Millisecond), maxSweep)
}

// idleTime is how long a session may be silent now.
func (p *UDPPort) idleTime() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle, _ := p.limits()
	return idle
}

// limits are those of the listener that the port has now. The port's sessions
// are locked.
func (p *UDPPort) limits() (idle time.Duration, sessions int) {
	idle, sessions = p.server.opts.SessionIdle, p.server.opts.MaxSessions
	if snap := p.server.opts.Snapshot.Load(); snap != nil {
		if port := snap.UDPPort(p.number); port != nil {
			idle, sessions = cmp.Or(port.Listener.Idle, idle), cmp.Or(port.Listener.MaxSessions, sessions)
		}
	}
	return idle, sessions
}

// receive forwards what clients send.
func (p *UDPPort) receive() {
	b := datagramBuffers.get()
	defer datagramBuffers.put(b)
	control := make([]byte, controlSize)
	for {
		n, cn, _, client, err := p.conn.ReadMsgUDPAddrPort(*b, control)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || !p.forward(sessionKey{client, localAddrOf(control[:cn])}, (*b)[:n]) {
			p.server.dropped.Add(1)
		}
	}
}

// forward sends a datagram to the endpoint of its client's session, and says
// whether it could.
func (p *UDPPort) forward(key sessionKey, b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sessions[key]
	if s == nil {
		if _, most := p.limits(); p.closed || len(p.sessions) >= most {
			return false
		}
		return p.begin(key, b)
	}
	return s.forward(b)
}

// begin forwards the first datagram of a client, and says whether it could. The
// port's sessions are locked.
func (p *UDPPort) begin(key sessionKey, b []byte) bool {
	gate := p.server.opts.Gate
	if gate.Level() >= overload.ShedRequests || !gate.Borrow() {
		return false
	}
	done := newSession(p, key).forward(b)
	if p.sessions[key] == nil {
		gate.Return()
	}
	return done
}
