package collect

import (
	"unsafe"

	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/sockdiag"
)

// payload is bytes that have gone over connections.
type payload struct{ received, transmitted uint64 }

func (p payload) plus(o payload) payload {
	return payload{p.received + o.received, p.transmitted + o.transmitted}
}

// payloadOf is that of one connection so far.
func payloadOf(s *sockdiag.Socket, side bpf.L4Side) payload {
	p := payload{s.Received, s.Acknowledged}
	if side == bpf.L4SideSIDE_UPSTREAM && p.transmitted > 0 {
		p.transmitted-- // the SYN
	}
	return p
}

// The places of a flow's bytes.
const (
	placeReceived    = int(unsafe.Offsetof(bpf.L4Flow{}.Received) / 8)
	placeTransmitted = int(unsafe.Offsetof(bpf.L4Flow{}.Transmitted) / 8)
)

// openBytes adds the bytes of connections that are open to flows that have them of
// those that have ended alone.
//
// The two are not read at one instant. The flows are first, so that a connection that
// ends in between is in neither: what is told then stands still, until the next look
// has it in the flow. Nothing is told twice, and nothing goes back.
type openBytes struct {
	// attached is which counting the rest is of.
	attached uint64
	// strangers are the connections that were open when it began, nil before the
	// first look. They are in no flow when they end.
	strangers map[uint64]bool
	// seen are those of this look.
	seen map[uint64]bool
	// told is what was told of each flow.
	told map[bpf.L4FlowKey]payload
}

func newOpenBytes() openBytes {
	return openBytes{seen: map[uint64]bool{}, told: map[bpf.L4FlowKey]payload{}}
}

// begin forgets everything when the counting is a later one.
func (o *openBytes) begin(attached uint64) {
	if attached > o.attached {
		*o = newOpenBytes()
		o.attached = attached
	}
}

// counts says whether an open connection will be in a flow. At the first look at a
// counting none is known to be.
func (o *openBytes) counts(s *sockdiag.Socket) bool {
	if o.strangers != nil && !o.strangers[s.Cookie] {
		return true
	}
	o.seen[s.Cookie] = true
	return false
}

// looked ends a look that has told of all connections.
func (o *openBytes) looked() { o.strangers, o.seen = o.seen, map[uint64]bool{} }

// settle has what was added to a flow be told of the open connections, too.
func (o *openBytes) settle(f *flowing, ended, open payload) {
	now, told := ended.plus(open), o.told[f.key]
	rest := f.added[:0]
	for _, of := range f.added {
		if of.place != placeReceived && of.place != placeTransmitted {
			rest = append(rest, of)
		}
	}
	f.added = rest
	if now.received > told.received {
		f.added = append(f.added, figure{placeReceived, now.received - told.received})
		told.received = now.received
	}
	if now.transmitted > told.transmitted {
		f.added = append(f.added, figure{placeTransmitted, now.transmitted - told.transmitted})
		told.transmitted = now.transmitted
	}
	o.told[f.key] = told
}

// endedOf returns the bytes that a flow has counted.
func endedOf(counted []figure) (p payload) {
	for _, f := range counted {
		switch f.place {
		case placeReceived:
			p.received = f.n
		case placeTransmitted:
			p.transmitted = f.n
		}
	}
	return p
}
