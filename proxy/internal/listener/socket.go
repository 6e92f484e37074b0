package listener

import (
	"context"
	"net"

	"github.com/fleetgate/fleetgate/proxy/internal/keepalive"
)

// listen returns the socket of a port: that which a process before has left, or a new
// one.
func (g *goroutines) listen(port uint16) (net.Listener, error) {
	store := g.set.opts.Sockets
	if store == nil {
		return g.listenAnew(port)
	}
	if ln := adopt(store.Take(port)); ln != nil {
		return ln, nil
	}
	store.Drop(port)
	ln, err := g.listenAnew(port)
	if err == nil {
		share(ln, func(fd int) { store.Keep(port, []int{fd}) })
	}
	return ln, err
}

func (g *goroutines) listenAnew(port uint16) (net.Listener, error) {
	listen := keepalive.Listen()
	return listen.Listen(context.Background(), "tcp", address(g.set.opts.Bind, port))
}

// unlisten closes the socket of a port, which is free then.
func (g *goroutines) unlisten(port uint16, ln net.Listener) {
	store := g.set.opts.Sockets
	if store != nil {
		share(ln, stopListening)
	}
	ln.Close()
	if store != nil {
		store.Drop(port)
	}
}
