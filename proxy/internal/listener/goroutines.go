package listener

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/netdriver"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// goroutines is the driver of packages netdriver and l4.
type goroutines struct {
	set       *Set
	server    *netdriver.Server
	room      *overload.Room
	accepting sync.WaitGroup
	// sorting are the connections that no driver has yet, or that l4 has.
	sorting sync.WaitGroup

	mu      sync.Mutex
	sockets map[uint16]net.Listener
	closed  bool
}

func newGoroutines(s *Set, loops []*exchange.Loop, epoch time.Time) *goroutines {
	return &goroutines{
		set: s, server: netdriver.New(netdriver.Options{Loops: loops, Epoch: epoch, Gate: s.opts.Gate}),
		room: overload.NewRoom(s.opts.Gate, max(s.opts.Gate.Limits().Handshakes/helloShare, 1)), sockets: map[uint16]net.Listener{},
	}
}

func (g *goroutines) open(port uint16) error {
	ln, err := g.listen(port)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.sockets[port] = ln
	g.mu.Unlock()
	g.accepting.Go(func() { g.server.Serve(&intake{ln, g, port}, port, g.config(port)) })
	return nil
}

// address is what net.Listen takes for one address, or for all of both
// families.
func address(bind netip.Addr, port uint16) string {
	if !bind.IsValid() {
		return ":" + strconv.Itoa(int(port))
	}
	return netip.AddrPortFrom(bind, port).String()
}

// config returns where connections find out whether and how they speak TLS.
func (g *goroutines) config(port uint16) func() (*tls.Config, bool) {
	return func() (*tls.Config, bool) {
		if p := g.port(port); p != nil && p.TLS != nil {
			return p.TLS.Config, true
		}
		return nil, false
	}
}

// port returns what a port is in the snapshot that serves, or nil.
func (g *goroutines) port(number uint16) *snapshot.Port {
	if snap := g.set.opts.Snapshot.Load(); snap != nil {
		return snap.Port(number)
	}
	return nil
}

func (g *goroutines) shut(port uint16) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unlisten(port, g.sockets[port])
	delete(g.sockets, port)
}

func (g *goroutines) queues() []overload.Queue { return g.server.Queues() }

func (g *goroutines) closeIdle() { g.server.CloseIdle() }

func (g *goroutines) close() {
	g.accepting.Wait()
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.room.Close()
	g.set.l4.Close()
	g.server.Close()
	g.sorting.Wait()
}

// hand gives a visitor to the driver of requests.
func (g *goroutines) hand(v *visitor, port uint16) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		v.conn.Close()
		return
	}
	nc := v.replayed()
	// Counted out when the driver closes it.
	nc.ticket, v.ticket = v.ticket, nil
	g.server.ServeConn(nc, port, g.config(port))
}
