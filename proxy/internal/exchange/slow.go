package exchange

import "github.com/fleetgate/fleetgate/proxy/internal/traffic"

// Measured is a Transport that can ask the kernel how its connection fares. It
// returns the zero Socket when there is none any more.
type Measured interface{ Measure() traffic.Socket }

func measure(t Transport) traffic.Socket {
	if m, ok := t.(Measured); ok {
		return m.Measure()
	}
	return traffic.Socket{}
}

// slow reports whether the request has taken so long that the log is to say why.
func (x *exchange) slow() bool {
	limit := x.loop.slow
	return limit > 0 && x.loop.now-x.start >= int64(limit)
}

// part asks about the backend's connection before it is let go: when the request
// is reported it serves others, or is gone.
func (x *exchange) part(t Transport) {
	if x.slow() {
		x.parted = measure(t)
	}
}

// explain adds what the kernel knows to the report of a slow request.
func (x *exchange) explain(d *traffic.Done) {
	d.Slow = x.slow()
	if !d.Slow {
		d.ClientSocket, d.BackendSocket = traffic.Socket{}, traffic.Socket{}
		return
	}
	d.ClientSocket, d.BackendSocket = measure(x.from.io), x.parted
}
