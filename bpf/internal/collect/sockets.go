package collect

import (
	"time"

	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/sockdiag"
)

// standing is how things are with open connections of the same labels.
type standing struct {
	open, retransmitting uint64
	// measured have a round-trip time.
	measured uint64
	sum, max time.Duration
}

func (t *standing) add(s *sockdiag.Socket) {
	t.open++
	if s.Retransmitting {
		t.retransmitting++
	}
	if s.RTT > 0 {
		t.measured++
		t.sum += s.RTT
		t.max = max(t.max, s.RTT)
	}
}

func (t *standing) merge(o *standing) {
	t.open += o.open
	t.retransmitting += o.retransmitting
	t.measured += o.measured
	t.sum += o.sum
	t.max = max(t.max, o.max)
}

// queue is the accept queues of a listener, which has one for each loop.
type queue struct {
	length, limit uint64
}

// sockets are how things are at the moment, by the names of all.
type sockets struct {
	queues map[string]*queue
	open   map[ends]*standing
	// bytes are those of the open connections that count.
	bytes map[bpf.L4FlowKey]payload
	// dropped is what listeners have turned down since the last look.
	dropped map[string]uint64
	// told says that the kernel has told of them.
	told bool
}

// walk tells of the sockets that there are.
type walk func(func(*sockdiag.Socket)) error

// readSockets returns what walk tells, and nothing if it is nil or fails. The bytes are
// of the connections that count says yes to.
func readSockets(walk walk, d *Directory, drops *drops, count func(*sockdiag.Socket) bool) *sockets {
	if walk == nil {
		return &sockets{}
	}
	s := &sockets{map[string]*queue{}, map[ends]*standing{}, map[bpf.L4FlowKey]payload{}, map[string]uint64{}, true}
	drops.begin()
	err := walk(func(o *sockdiag.Socket) {
		// Asked for all of them, as names may come later than connections.
		counts := !o.Listening && count(o)
		key, ok := d.flowOf(o.Local, o.Remote)
		e := d.endsOf(key)
		switch {
		case !ok:
		case o.Listening && e.side == bpf.L4SideSIDE_DOWNSTREAM:
			q := found(s.queues, e.listener)
			q.length += uint64(o.Queued)
			q.limit += uint64(o.Limit)
			s.dropped[e.listener] += drops.since(o)
		case !o.Listening:
			found(s.open, e).add(o)
			if counts {
				s.bytes[key] = s.bytes[key].plus(payloadOf(o, e.side))
			}
		}
	})
	if err != nil {
		return &sockets{}
	}
	drops.looked()
	return s
}

// readSockets reads them, and has the flows be settled by them where nobody else does.
func (l *ledger) readSockets(state *State, walk walk) *sockets {
	if state.Connections == nil || state.Unsettled == 0 {
		return readSockets(walk, l.directory, &l.drops, func(*sockdiag.Socket) bool { return false })
	}
	l.open.begin(state.Unsettled)
	found := readSockets(walk, l.directory, &l.drops, l.open.counts)
	if found.told {
		l.open.looked()
	}
	for i := range l.flows {
		f := &l.flows[i]
		l.open.settle(f, endedOf(l.before.flows.counted[f.key]), found.bytes[f.key])
	}
	return found
}

// tellSockets writes what is so at the moment. Where no program counts connections,
// this is also how many there are.
func (l *ledger) tellSockets(out *scrape, s *sockets, counted bool) {
	queues, open := map[ends]*queue{}, map[ends]*standing{}
	for listener, q := range s.queues {
		shown := found(queues, l.shown(ends{side: bpf.L4SideSIDE_DOWNSTREAM, listener: listener}))
		shown.length += q.length
		shown.limit += q.limit
	}
	for e, t := range s.open {
		found(open, l.shown(e)).merge(t)
	}
	for e, q := range queues {
		out.gauge(queueLength, float64(q.length), e.listener)
		out.gauge(queueLimit, float64(q.limit), e.listener)
	}
	for e, t := range open {
		t.tell(out, e, counted)
	}
}

func found[K comparable, V any](m map[K]*V, k K) *V {
	v := m[k]
	if v == nil {
		v = new(V)
		m[k] = v
	}
	return v
}

func (t *standing) tell(out *scrape, e ends, counted bool) {
	labels := e.labels()
	if !counted {
		out.gauge(connections, float64(t.open), labels...)
	}
	out.gauge(retransmitting, float64(t.retransmitting), labels...)
	if t.measured > 0 {
		out.gauge(openRTT, t.sum.Seconds()/float64(t.measured), append(labels, "mean")...)
		out.gauge(openRTT, t.max.Seconds(), append(labels, "max")...)
	}
}
