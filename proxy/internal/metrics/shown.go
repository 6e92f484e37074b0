package metrics

import (
	"cmp"
	"slices"
)

// maxRoutes bounds the pairs of listener and route that are exported by name.
// With up to five classes of statuses each they stay, together with the other
// metrics and the sensor's, below 500 series a pod.
const maxRoutes = 48

// shown decides which labels are exported by name: the first ones to have
// requests, as far as there is room, until their route is gone. The rest is
// exported under one label per listener.
//
// Every exported series only ever grows. So a label that gets a name later
// begins at zero, with what it had before left in the rest; and one that goes
// takes its count along.
type shown struct {
	named map[label]*[classes]uint64 // by label: what it had when it got its name
	// rested are the labels that were ever part of a rest.
	rested map[label]bool
	// dropped is what was exported by name and is no longer, by listener.
	dropped map[string]*[classes]uint64
}

func newShown() *shown {
	return &shown{named: map[label]*[classes]uint64{}, rested: map[label]bool{}, dropped: map[string]*[classes]uint64{}}
}

// point is one series to export.
type point struct {
	label
	codes [classes]uint64
}

// points returns what is exported of the totals, sorted. exists says whether a
// route is part of the configuration.
func (s *shown) points(all map[label]*totals, exists func(label) bool) []point {
	s.drop(all, exists)
	s.name(all, exists)
	rest := map[string]*[classes]uint64{}
	var out []point
	for l, t := range all {
		base, ok := s.named[l]
		if !ok {
			base = &t.codes
			s.rested[l] = true
		} else {
			out = append(out, point{l, minus(t.codes, *base)})
		}
		if rest[l.listener] == nil {
			rest[l.listener] = &[classes]uint64{}
		}
		plus(rest[l.listener], *base)
	}
	for listener, codes := range rest {
		if d := s.dropped[listener]; d != nil {
			*codes = minus(*codes, *d)
		}
		if *codes != ([classes]uint64{}) {
			out = append(out, point{label{listener, restLabel}, *codes})
		}
	}
	slices.SortFunc(out, func(a, b point) int { return compareLabels(a.label, b.label) })
	return out
}

// drop takes the names of routes that are gone.
func (s *shown) drop(all map[label]*totals, exists func(label) bool) {
	for l, base := range s.named {
		if exists(l) {
			continue
		}
		if s.dropped[l.listener] == nil {
			s.dropped[l.listener] = &[classes]uint64{}
		}
		plus(s.dropped[l.listener], minus(all[l].codes, *base))
		delete(s.named, l)
	}
}

// name gives names to routes, the first ones in order, while there is room.
func (s *shown) name(all map[label]*totals, exists func(label) bool) {
	var waiting []label
	for l := range all {
		if s.named[l] == nil && exists(l) {
			waiting = append(waiting, l)
		}
	}
	slices.SortFunc(waiting, compareLabels)
	for _, l := range waiting[:min(len(waiting), maxRoutes-len(s.named))] {
		base := &[classes]uint64{}
		if s.rested[l] {
			*base = all[l].codes
		}
		s.named[l] = base
	}
}

func compareLabels(a, b label) int {
	return cmp.Or(cmp.Compare(a.listener, b.listener), cmp.Compare(a.route, b.route))
}

func plus(to *[classes]uint64, n [classes]uint64) {
	for i := range to {
		to[i] += n[i]
	}
}

func minus(a, b [classes]uint64) [classes]uint64 {
	for i := range a {
		a[i] -= b[i]
	}
	return a
}
