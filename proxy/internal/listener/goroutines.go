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
)

// goroutines is the driver of package netdriver.
type goroutines struct {
	set       *Set
	server    *netdriver.Server
	accepting sync.WaitGroup

	mu      sync.Mutex
	sockets map[uint16]net.Listener
}

func newGoroutines(s *Set, loops []*exchange.Loop, epoch time.Time) *goroutines {
	return &goroutines{
		set: s, server: netdriver.New(netdriver.Options{Loops: loops, Epoch: epoch}),
		sockets: map[uint16]net.Listener{},
	}
}

func (g *goroutines) open(port uint16) error {
	ln, err := net.Listen("tcp", address(g.set.opts.Bind, port))
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.sockets[port] = ln
	g.mu.Unlock()
	g.accepting.Go(func() { g.server.Serve(ln, port, g.config(port)) })
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
		snap := g.set.opts.Snapshot.Load()
		if snap == nil {
			return nil, false
		}
		for _, p := range snap.Ports {
			if p.Number == port && p.TLS != nil {
				return p.TLS.Config, true
			}
		}
		return nil, false
	}
}

func (g *goroutines) shut(port uint16) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sockets[port].Close()
	delete(g.sockets, port)
}

func (g *goroutines) closeIdle() { g.server.CloseIdle() }

func (g *goroutines) close() {
	g.accepting.Wait()
	g.server.Close()
}
