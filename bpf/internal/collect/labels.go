package collect

import (
	"fmt"
	"sync/atomic"
	"unique"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// other labels what has no name, or none any more.
const other = "other"

// routeLabels are those of a series.
type routeLabels struct {
	key  routeKey
	rule string
	// handshakes says that it is no requests that are counted, but the TLS
	// handshakes of the listener.
	handshakes bool
}

func seriesLabels(s *probe.Series) routeLabels {
	return routeLabels{unique.Make(routeName{s.Listener, s.Namespace + "/" + s.Name}), s.Rule, s.Kind == probe.KindHandshakes}
}

func (r *routeLabels) listener() string { return r.key.Value().listener }

func backendName(b *probe.Backend) string {
	return fmt.Sprintf("%s/%s:%d", b.Namespace, b.Service, b.Port)
}

// index has the labels of all identifiers. They can be read while they are changed.
type index[L comparable] [probe.MaxSeries]atomic.Pointer[L]

// of returns the labels of an identifier, which must not be changed, and none where it
// has no name.
func (x *index[L]) of(id uint32, none *L) *L {
	if id >= probe.MaxSeries {
		return none
	}
	if label := x[id].Load(); label != nil {
		return label
	}
	return none
}

// follow brings them up to date with the entries.
func (x *index[L]) follow(entries map[uint32]entry[L]) {
	for id := range x {
		e, ok := entries[uint32(id)]
		switch old := x[id].Load(); {
		case !ok:
			x[id].Store(nil)
		case old == nil || *old != e.label:
			label := e.label
			x[id].Store(&label)
		}
	}
}

// noRoute are the labels of a series without a name, and noBackend of a backend.
var (
	noRoute   = routeLabels{key: unique.Make(routeName{other, other}), rule: other}
	noBackend = other
)

// route returns the labels of a series, which must not be changed.
func (d *Directory) route(id uint32) *routeLabels { return d.routes.of(id, &noRoute) }

func (d *Directory) backend(id uint32) string { return *d.services.of(id, &noBackend) }
