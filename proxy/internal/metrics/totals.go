package metrics

import (
	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// codes are requests by the class of their status. They implement figures.
type codes [classes]uint64

func (c *codes) add(o *codes) {
	for i := range c {
		c[i] += o[i]
	}
}

func (c *codes) sub(o *codes) {
	for i := range c {
		c[i] -= o[i]
	}
}

func (c *codes) requests() (n uint64) {
	for _, of := range c {
		n += of
	}
	return n
}

// series counts the classes that there were.
func (c *codes) series() (n int) {
	for _, of := range c {
		if of > 0 {
			n++
		}
	}
	return n
}

// lasted are durations. They implement figures.
type lasted struct {
	classic [numBuckets + 1]uint64
	native  probe.Durations
}

func (d *lasted) add(o *lasted) {
	for i := range d.classic {
		d.classic[i] += o.classic[i]
	}
	d.native.Merge(&o.native)
}

func (d *lasted) sub(o *lasted) {
	for i := range d.classic {
		d.classic[i] -= o.classic[i]
	}
	d.native.Sum -= o.native.Sum
	for i := range d.native.Bucket {
		d.native.Bucket[i] -= o.native.Bucket[i]
	}
}

func (d *lasted) requests() (n uint64) {
	for _, in := range d.classic {
		n += in
	}
	return n
}

// series counts the buckets, the count and the sum, where there is anything.
func (d *lasted) series() int {
	if d.requests() == 0 {
		return 0
	}
	return numBuckets + 3
}

// label is a listener and a route, as they are exported.
type label struct{ listener, route string }

// The labels of requests without a route, and of those without a label.
const (
	noRoute   = "-"
	restLabel = "*"
)

// byRoute returns the totals of every label that had a request, given the labels of
// series by identifier.
func (r *Requests) byRoute(series []snapshot.Series) map[label]*codes {
	out := map[label]*codes{}
	add := func(l label, from *row) {
		var c codes
		for i := range from {
			c[i] = from[i].Load()
		}
		if c.requests() > 0 {
			found(out, l).add(&c)
		}
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

// byListener returns the durations of every listener that had a request, given the
// names of listeners by number.
func (r *Requests) byListener(names []string) map[string]*lasted {
	out := map[string]*lasted{}
	add := func(name string, from *lasting) {
		var d lasted
		for i := range from.classic {
			d.classic[i] = from.classic[i].Load()
		}
		for i := range from.native {
			d.native.Bucket[i] = from.native[i].Load()
		}
		d.native.Sum = from.nanos.Load()
		if d.requests() > 0 {
			found(out, name).add(&d)
		}
	}
	for _, s := range r.shards {
		add(noRoute, &s.unmatchedLasting)
		for number := range s.lasting {
			if from := s.lasting[number].Load(); from != nil {
				add(nameOf(names, number), from)
			}
		}
	}
	return out
}

func found[K comparable, V any](m map[K]*V, k K) *V {
	v := m[k]
	if v == nil {
		v = new(V)
		m[k] = v
	}
	return v
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

// nameOf names a listener in the same way.
func nameOf(names []string, number int) string {
	if number == 0 || number >= len(names) {
		return restLabel
	}
	return names[number]
}
