package metrics

import (
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// totals are sums over all loops.
type totals struct {
	codes     [classes]uint64
	durations [numBuckets + 1]uint64
	nanos     uint64
}

func (t *totals) add(r *row) {
	for i := range r.codes {
		t.codes[i] += r.codes[i].Load()
	}
	for i := range r.durations {
		t.durations[i] += r.durations[i].Load()
	}
	t.nanos += r.nanos.Load()
}

func (t *totals) merge(o *totals) {
	for i := range t.codes {
		t.codes[i] += o.codes[i]
	}
	for i := range t.durations {
		t.durations[i] += o.durations[i]
	}
	t.nanos += o.nanos
}

func (t *totals) requests() (n uint64) {
	for _, c := range t.codes {
		n += c
	}
	return n
}

// label is a listener and a route, as they are exported.
type label struct{ listener, route string }

// The labels of requests without a route, and of those without a label.
const (
	noRoute   = "-"
	restLabel = "*"
)

// sum returns the totals of every label that had a request, given the labels of
// series by identifier.
func (r *Requests) sum(series []snapshot.Series) map[label]*totals {
	out := map[label]*totals{}
	add := func(l label, from *row) {
		var t totals
		t.add(from)
		if t.requests() == 0 {
			return
		}
		if out[l] == nil {
			out[l] = &totals{}
		}
		out[l].merge(&t)
	}
	for _, s := range r.shards {
		add(label{noRoute, noRoute}, &s.unmatched)
		for i := range s.series {
			c := s.series[i].Load()
			if c == nil {
				continue
			}
			for j := range c {
				add(labelOf(series, i*chunkSize+j), &c[j])
			}
		}
	}
	return out
}

// labelOf names a series. A request may be counted on a series that is newer
// than the labels at hand; the next scrape knows it.
func labelOf(series []snapshot.Series, id int) label {
	if id == 0 || id >= len(series) {
		return label{restLabel, restLabel}
	}
	s := &series[id]
	return label{s.Listener, s.Route.Namespace + "/" + s.Route.Name}
}
