package snapshot

import (
	"strconv"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// seriesTable gives identifiers to series. An identifier is never used for
// something else within a process, for the counters behind it go on; what comes
// after the last one shares the overflow series, zero.
//
// It belongs to whoever compiles. Snapshots share the list that it appends to,
// each up to its own length.
type seriesTable struct {
	ids  map[Series]uint32
	list []Series
}

func newSeriesTable() *seriesTable {
	return &seriesTable{ids: map[Series]uint32{}, list: []Series{{}}}
}

func (t *seriesTable) id(s Series) uint32 {
	id, ok := t.ids[s]
	if !ok && len(t.list) < probe.MaxSeries {
		id = uint32(len(t.list))
		t.ids[s] = id
		t.list = append(t.list, s)
	}
	return id
}

// ruleLabel names a rule: by its name, or by its index where it has none.
func ruleLabel(r *proxyconfig.Rule, index int) string {
	if r.Name != "" {
		return r.Name
	}
	return strconv.Itoa(index)
}
