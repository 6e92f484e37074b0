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

// queue is the accept queues of a listener, which has one for each loop.
type queue struct {
	length, limit uint64
}

// sockets tells what is so at the moment. Where no program counts connections,
// this is also how many there are. It returns what the kernel had against it.
func (s *scrape) sockets(each func(func(*sockdiag.Socket)) error, counted bool) error {
	if each == nil {
		return nil
	}
	queues, open := map[string]*queue{}, map[ends]*standing{}
	err := each(func(o *sockdiag.Socket) {
		e, ok := s.directory.ends(o.Local, o.Remote)
		switch {
		case !ok:
		case o.Listening && e.side == bpf.L4SideSIDE_DOWNSTREAM:
			q := found(queues, e.listener)
			q.length += uint64(o.Queued)
			q.limit += uint64(o.Limit)
		case !o.Listening:
			found(open, e).add(o)
		}
	})
	if err != nil {
		return err
	}
	for listener, q := range queues {
		s.gauge(queueLength, float64(q.length), listener)
		s.gauge(queueLimit, float64(q.limit), listener)
	}
	for e, t := range open {
		s.standing(e, t, counted)
	}
	return nil
}

func found[K comparable, V any](m map[K]*V, k K) *V {
	v := m[k]
	if v == nil {
		v = new(V)
		m[k] = v
	}
	return v
}

func (s *scrape) standing(e ends, t *standing, counted bool) {
	labels := e.labels()
	if !counted {
		s.gauge(connections, float64(t.open), labels...)
	}
	s.gauge(retransmitting, float64(t.retransmitting), labels...)
	if t.measured > 0 {
		s.gauge(openRTT, t.sum.Seconds()/float64(t.measured), append(labels, "mean")...)
		s.gauge(openRTT, t.max.Seconds(), append(labels, "max")...)
	}
}
