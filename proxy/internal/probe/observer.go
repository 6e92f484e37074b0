package probe

import (
	"time"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/probe/v1/point"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// observer implements traffic.Observer and traffic.HandshakeObserver for one loop.
type observer struct {
	memory *memory
	// record is here so that it need not be allocated.
	record probev1.Record
}

// RequestDone counts the request.
func (o *observer) RequestDone(d *traffic.Done) {
	fill(&o.record, d)
	o.count()
}

// HandshakeDone counts the handshake, unless there was no number left for those of
// its listener.
func (o *observer) HandshakeDone(h traffic.Handshake) {
	if h.Listener != nil && h.Listener.Handshakes != 0 {
		o.record = h.How.Record(h.Listener.Handshakes, h.Took)
		o.count()
	}
}

// count counts the record where the sensor counts: in the shared table if there is
// one. Otherwise the call of the probe function is all there is to do, whether
// anything is attached to it or not.
func (o *observer) count() {
	r := &o.record
	if table := o.memory.current.Load(); table != nil {
		table.Observe(r)
		return
	}
	point.RequestDone(r.Meta(), r.Duration, r.Upstream, r.RequestBytes, r.ResponseBytes, r.Extra())
}

func fill(r *probev1.Record, d *traffic.Done) {
	*r = probev1.Record{
		Status:        uint16(d.Status),
		Method:        d.Method,
		Protocol:      d.Protocol,
		Flags:         d.Flags,
		GRPC:          d.GRPC,
		Attempts:      d.Attempts,
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
