package metrics

import (
	"sync/atomic"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Requests counts finished requests. Its Observers are written by one loop
// each, and read by a Collector at any time.
type Requests struct {
	shards []*shard
}

// NewRequests makes counters for a number of loops.
func NewRequests(loops int) *Requests {
	r := &Requests{}
	for range loops {
		r.shards = append(r.shards, &shard{})
	}
	return r
}

// Observer returns the counters of one loop, numbered from zero.
func (r *Requests) Observer(loop int) traffic.Observer { return r.shards[loop] }

// Classes of statuses: one for each hundred, and zero for what is none.
const classes = 6

// shard is what one loop counts.
type shard struct {
	// series are the rows by the rule's series, in chunks that are made when
	// they are first needed: most proxies use a few series of thousands.
	series    [probe.MaxSeries / chunkSize]atomic.Pointer[chunk]
	unmatched row
	// lasting are durations by the number of the listener, made in the same way.
	lasting          [snapshot.MaxListeners]atomic.Pointer[lasting]
	unmatchedLasting lasting

	connects, resets, timeouts atomic.Uint64
	cancels, retries           atomic.Uint64
}

const chunkSize = 64

type chunk [chunkSize]row

// row counts the requests of one series by the class of their status.
type row [classes]atomic.Uint64

// lasting counts durations by two kinds of buckets, neither cumulative; nanos is
// their sum.
type lasting struct {
	classic [numBuckets + 1]atomic.Uint64
	native  [probe.Buckets]atomic.Uint64
	nanos   atomic.Uint64
}

func (l *lasting) observe(d time.Duration) {
	l.classic[bucket(d)].Add(1)
	nanos := uint64(max(0, d))
	l.native[probe.BucketOf(nanos)].Add(1)
	l.nanos.Add(nanos)
}

// RequestDone counts a request. It implements traffic.Observer.
func (s *shard) RequestDone(d *traffic.Done) {
	r, l := &s.unmatched, &s.unmatchedLasting
	if d.Rule != nil {
		r, l = s.row(d.Rule.Series), s.of(d.Rule.Listener)
	}
	r[class(d.Status)].Add(1)
	l.observe(d.Duration)
	if d.Attempts > 1 {
		s.retries.Add(uint64(d.Attempts - 1))
	}
	if d.Flags != 0 {
		s.countFlags(d.Flags)
	}
}

func (s *shard) countFlags(f probe.Flags) {
	switch {
	case f&probe.FlagTimeout != 0:
		s.timeouts.Add(1)
	case f&probe.FlagUpstreamFailed != 0:
		s.connects.Add(1)
	case f&probe.FlagUpstreamReset != 0:
		s.resets.Add(1)
	}
	if f&probe.FlagClientCancel != 0 {
		s.cancels.Add(1)
	}
}

// row returns the row of a series. Only the shard's own loop calls it.
func (s *shard) row(series uint32) *row {
	if series >= probe.MaxSeries {
		series = 0
	}
	return &made(&s.series[series/chunkSize])[series%chunkSize]
}

// of returns the durations of a listener. Only the shard's own loop calls it.
func (s *shard) of(l *snapshot.Listener) *lasting {
	number := uint32(0)
	if l != nil && l.Number < snapshot.MaxListeners {
		number = l.Number
	}
	return made(&s.lasting[number])
}

// made returns what a pointer leads to, which is made when it is first asked for.
func made[T any](p *atomic.Pointer[T]) *T {
	v := p.Load()
	if v == nil {
		v = new(T)
		p.Store(v)
	}
	return v
}

func class(status int) int {
	if c := status / 100; c > 0 && c < classes {
		return c
	}
	return 0
}

// numBuckets is the length of bounds.
const numBuckets = 14

// bounds are OpenTelemetry's buckets for http.server.request.duration.
func bounds() [numBuckets]time.Duration {
	const ms = time.Millisecond
	return [numBuckets]time.Duration{5 * ms, 10 * ms, 25 * ms, 50 * ms, 75 * ms, 100 * ms, 250 * ms, 500 * ms, 750 * ms,
		1000 * ms, 2500 * ms, 5000 * ms, 7500 * ms, 10000 * ms}
}

// bucket returns the index of the first bound that is not below d; most
// requests are in the first.
func bucket(d time.Duration) int {
	for i, bound := range bounds() {
		if d <= bound {
			return i
		}
	}
	return numBuckets
}
