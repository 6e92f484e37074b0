package probe

import (
	"time"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/probe/v1/point"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// waitingRecords is how many records wait for the end of a turn at most.
const waitingRecords = 32

// observer implements traffic.Observer, traffic.HandshakeObserver and
// traffic.TurnObserver for one loop. Records wait for the end of the turn: with a
// probe attached each call enters the kernel, and the first one has to fetch the
// kernel's code and data for that into the caches, from where it drives the engine's
// own. So one call takes several records, and those that follow at once find what they
// need, at a fraction of the cost.
type observer struct {
	memory  *memory
	waiting [waitingRecords]probev1.Record
	count   int
}

// RequestDone counts the request.
func (o *observer) RequestDone(d *traffic.Done) { fill(o.next(), d) }

// HandshakeDone counts the handshake, unless there was no number left for those of
// its listener.
func (o *observer) HandshakeDone(h traffic.Handshake) {
	if h.Listener != nil && h.Listener.Handshakes != 0 {
		*o.next() = h.How.Record(h.Listener.Handshakes, h.Took)
	}
}

// next returns where the next record goes.
func (o *observer) next() *probev1.Record {
	if o.count == waitingRecords {
		o.TurnDone()
	}
	o.count++
	return &o.waiting[o.count-1]
}

// TurnDone counts the records where the sensor counts: in the shared table if there is
// one. Otherwise the calls of the probe function are all there is to do, whether
// anything is attached to it or not.
func (o *observer) TurnDone() {
	if o.count == 0 {
		return
	}
	if table := o.memory.current.Load(); table != nil {
		table.Observe(o.waiting[:o.count])
	} else {
		o.call()
	}
	o.count = 0
}

// call hands the records to the probe function, as many at once as there is room for.
func (o *observer) call() {
	for rest := o.waiting[:o.count]; len(rest) > 0; {
		var c probev1.Call
		rest = c.Fill(rest)
		point.RequestsDone(&c.Registers)
	}
}

func fill(r *probev1.Record, d *traffic.Done) {
	*r = probev1.Record{
		Status:        uint16(d.Status),
		Method:        d.Method,
		Protocol:      d.Protocol,
		Flags:         d.Flags,
		GRPC:          d.GRPC,
		Duration:      nanoseconds(d.Duration),
		Upstream:      nanoseconds(d.Upstream),
		RequestBytes:  d.RequestBytes,
		ResponseBytes: d.ResponseBytes,
	}
	if d.Rule != nil {
		r.Series = d.Rule.Series
	}
	if d.Endpoint != nil && d.Endpoint.Cluster != nil {
		r.Backend = d.Endpoint.Cluster.Probe
	}
}

// nanoseconds takes care of a clock that was set back.
func nanoseconds(d time.Duration) uint64 { return uint64(max(d, 0)) }
