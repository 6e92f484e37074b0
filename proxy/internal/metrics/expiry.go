package metrics

import (
	"cmp"
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// maxExpiries is how many listeners' certificates are told apart: those that expire
// first.
const maxExpiries = 8

// collectExpiries exports when the first certificate of each listener expires, and
// for the listeners that are left when the first of theirs does.
func collectExpiries(s *sink, all []snapshot.Expiry) {
	first := map[string]time.Time{}
	for _, e := range all {
		if at, ok := first[e.Listener]; !ok || e.At.Before(at) {
			first[e.Listener] = e.At
		}
	}
	var sorted []snapshot.Expiry
	for name, at := range first {
		sorted = append(sorted, snapshot.Expiry{Listener: name, At: at})
	}
	slices.SortFunc(sorted, func(a, b snapshot.Expiry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Listener, b.Listener))
	})
	for i, e := range sorted {
		if i == maxExpiries {
			s.send(certificateExpiry, float64(e.At.Unix()), restLabel)
			return
		}
		s.send(certificateExpiry, float64(e.At.Unix()), e.Listener)
	}
}
