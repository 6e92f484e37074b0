package collect

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

// TestFiguresAddUp has a record count at random, and be cleared now and then. What is
// found to be added is compared with plain differences of whole records.
func TestFiguresAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var p past[bpf.L4Flow]
	var kept, added []figure
	var record, told, want bpf.L4Flow
	for range 5000 {
		if r.IntN(50) == 0 {
			record = bpf.L4Flow{}
		}
		last := record
		for range r.IntN(4) {
			place := r.IntN(len(words(&record)))
			n := 1 + r.Uint64N(5)
			words(&record)[place] += n
		}
		for place, n := range words(&record) {
			words(&want)[place] += n - words(&last)[place]
		}
		kept, added = p.since(kept, &record)
		for _, f := range added {
			words(&told)[f.place] += f.n
		}
		if told != want {
			t.Fatalf("got %v, want %v", told, want)
		}
	}
	if recordOf(kept) != record {
		t.Errorf("what is kept is %v of %v", kept, record)
	}
}

// TestClearedFiguresBeginAnew: whatever is less than before tells that all was
// cleared, although the rest may be more by then.
func TestClearedFiguresBeginAnew(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, now probe.Cell
	}{
		{"one is less", probe.Cell{RequestBytes: 5, ResponseBytes: 1}, probe.Cell{RequestBytes: 4, ResponseBytes: 9}},
		{"one is not there", probe.Cell{RequestBytes: 5}, probe.Cell{ResponseBytes: 9}},
		{"the last is not there", probe.Cell{RequestBytes: 5, ResponseBytes: 1}, probe.Cell{RequestBytes: 9}},
	} {
		c := newCells()
		c.advance(1, &tt.old)
		var got probe.Cell
		for _, f := range c.advance(1, &tt.now) {
			words(&got)[f.place] += f.n
		}
		if got != tt.now {
			t.Errorf("%s: got %+v added", tt.name, got)
		}
	}
}

func TestPlacesAreThoseOfACell(t *testing.T) {
	var cell probe.Cell
	cell.RequestBytes, cell.ResponseBytes = 1, 2
	cell.Class[probe.ClassOther].Sum, cell.Class[probe.ClassOther].Bucket[probe.Buckets-1] = 3, 4
	cell.Class[probe.Class2xx].Bucket[0] = 5
	c := newCells()
	s := newServed(true)
	s.cell("r", c.advance(1, &cell))
	if s.request != 1 || s.response != 2 {
		t.Errorf("got %d and %d bytes", s.request, s.response)
	}
	for class, want := range cell.Class {
		if got := s.durations[span{"r", probe.Class(class)}]; got == nil || *got != want {
			t.Errorf("class %d: got %+v, want %+v", class, got, want)
		}
	}
}

// TestCellsThatAreLateAreToldNevertheless: a request is counted by its outcome first,
// and perhaps long before its durations.
func TestCellsThatAreLateAreToldNevertheless(t *testing.T) {
	g := newGateway(t, 0)
	g.tables.Series = []probe.Series{series(1, "a")}
	g.tables.Backends = []probe.Backend{{ID: 5, Namespace: "shop", Service: "cart", Port: 80}}
	g.replace()
	record := probe.Record{Series: 1, Backend: 5, Status: 200, Duration: 1e6, Upstream: 1e6}
	g.requests.outcomes[record.Outcome()]++
	for range 5 {
		g.now = g.now.Add(settling / 5)
		g.want(g.increases(DefaultMaxSeries), "request_duration_seconds_count", 0)
	}
	cellOf(g.requests.series, 1).Class[probe.Class2xx].Observe(record.Duration)
	cellOf(g.requests.backends, 5).Class[probe.Class2xx].Observe(record.Upstream)
	sums := g.increases(DefaultMaxSeries)
	g.want(sums, "request_duration_seconds_count", 1)
	g.want(sums, "upstream_request_duration_seconds_count", 1)
}

// TestCellsOfOutcomesWithoutANameAreRead: where outcomes have overflowed, nobody says
// whose cells have changed.
func TestCellsOfOutcomesWithoutANameAreRead(t *testing.T) {
	g := newGateway(t, 0)
	g.tables.Series = []probe.Series{series(9, "a")}
	g.replace()
	g.requests.outcomes[probe.OverflowOutcome]++
	cellOf(g.requests.series, 9).Class[probe.Class2xx].Observe(1e6)
	g.want(g.increases(DefaultMaxSeries), "request_duration_seconds_count", 1)
}

// TestWhatHasNotChangedIsNotRead: idle series cost a scrape nothing but their
// outcomes.
func TestWhatHasNotChangedIsNotRead(t *testing.T) {
	var s stirred
	now := time.Unix(1000, 0)
	s.add(7)
	for step, want := range []int{1, 1, 0} {
		if got := s.take(now); len(got) != want || want > 0 && got[0] != 7 {
			t.Errorf("look %d: %v are read, want %d", step, got, want)
		}
		now = now.Add(time.Minute)
	}
}
