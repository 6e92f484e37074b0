package listener

import (
	"sync"

	"github.com/fleetgate/fleetgate/proxy/internal/l4"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// datagrams is the driver of UDP ports.
type datagrams struct {
	set *Set

	mu    sync.Mutex
	ports map[uint16]*l4.UDPPort
}

func newDatagrams(s *Set) *datagrams {
	return &datagrams{set: s, ports: map[uint16]*l4.UDPPort{}}
}

func (d *datagrams) open(port uint16) error {
	p, err := d.set.l4.OpenUDP(d.set.opts.Bind, port)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ports[port] = p
	return nil
}

// shut closes a port. Its sessions end with it, for an answer can come from
// nowhere else.
func (d *datagrams) shut(port uint16) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ports[port].Close()
	delete(d.ports, port)
}

// closeIdle ends the sessions that nobody seems to need while draining.
func (d *datagrams) closeIdle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.ports {
		p.Expire(d.set.opts.DrainGrace)
	}
}

// queues are none: a datagram that is late is dropped by the kernel.
func (d *datagrams) queues() []overload.Queue { return nil }

// close has nothing to do: no session outlives its port.
func (d *datagrams) close() {}
