package probe

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"unsafe"
)

func newTable(t testing.TB) *Table {
	t.Helper()
	words := make([]uint64, TableSize/8)
	return TableAt(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), TableSize))
}

func counts(table *Table) map[Outcome]uint64 {
	m := map[Outcome]uint64{}
	for o, n := range table.Outcomes() {
		m[o] += n
	}
	return m
}

func TestTableCountsConcurrentRequestsExactly(t *testing.T) {
	table := newTable(t)
	const writers, each = 8, 5_000
	var done sync.WaitGroup
	for range writers {
		done.Go(func() {
			for i := range each {
				r := Record{
					Series: uint32(i % 100), Backend: uint32(i % 3), Status: uint16(200 + i%2*300),
					Duration: 1000, Upstream: 500, RequestBytes: 1, ResponseBytes: 2,
				}
				table.Observe([]Record{r})
			}
		})
	}
	done.Wait()

	var total uint64
	for _, n := range counts(table) {
		total += n
	}
	if want := uint64(writers * each); total != want {
		t.Errorf("requests: got %d, want %d", total, want)
	}
	var c Cell
	table.ReadSeries(7, &c)
	const want = writers * each / 100
	if got := c.Class[ClassOther].Count(); got != want {
		t.Errorf("observations of series 7: got %d, want %d", got, want)
	}
	if c.RequestBytes != want || c.ResponseBytes != 2*want || c.Class[ClassOther].Sum != 1000*want {
		t.Errorf("series 7: got %d, %d bytes and %d ns", c.RequestBytes, c.ResponseBytes, c.Class[ClassOther].Sum)
	}
	table.ReadBackend(0, &c)
	if c.Class[Class2xx].Count()+c.Class[ClassOther].Count() != 0 {
		t.Error("requests without a backend were counted for one")
	}
}

func TestTableFullOfOutcomesLosesNoRequest(t *testing.T) {
	table := newTable(t)
	var n uint64
	for series := range uint32(MaxSeries) {
		for status := range uint16(8) {
			table.Observe([]Record{{Series: series, Status: 200 + status}})
			n++
		}
	}
	got := counts(table)
	var total uint64
	for _, c := range got {
		total += c
	}
	if total != n {
		t.Errorf("requests: got %d, want %d", total, n)
	}
	if got[OverflowOutcome] == 0 || got[OverflowOutcome] != table.Counter(CounterOutcomeOverflow) {
		t.Errorf("overflow: got %d requests and counter %d, want the same and not zero",
			got[OverflowOutcome], table.Counter(CounterOutcomeOverflow))
	}
}

func TestTableClearForgetsOnlyWhatIsGone(t *testing.T) {
	table := newTable(t)
	table.Observe([]Record{
		{Series: 1, Backend: 1, Status: 200, Duration: 5},
		{Series: 2, Backend: 2, Status: 200, Duration: 5},
	})
	table.Clear(func(id uint32) bool { return id == 1 }, func(uint32) bool { return false })

	var c Cell
	table.ReadSeries(1, &c)
	if c != (Cell{}) {
		t.Error("series 1 was not cleared")
	}
	table.ReadSeries(2, &c)
	if c.Class[Class2xx].Count() != 1 {
		t.Error("series 2 was cleared")
	}
	if got := counts(table); len(got) != 1 {
		t.Errorf("outcomes: got %v, want that of series 2", got)
	}
}

// TestTableCountsWhatEndedAlikeLikeOneByOne has requests that differ in one thing after
// another between others that are alike.
func TestTableCountsWhatEndedAlikeLikeOneByOne(t *testing.T) {
	alike := Record{
		Series: 3, Backend: 2, Status: 200, Method: MethodGet,
		Duration: 1_000_000, Upstream: 900_000, RequestBytes: 80, ResponseBytes: 1024,
	}
	var records []Record
	for _, differ := range []func(*Record){
		func(*Record) {},
		func(r *Record) { r.Duration, r.Upstream, r.RequestBytes, r.ResponseBytes = 5_000_000, 4_000_000, 0, 1 },
		func(r *Record) { r.Series = 4 },
		func(r *Record) { r.Backend = 5 },
		func(r *Record) { r.Backend = 0 },
		func(r *Record) { r.Status = 503 },
		func(r *Record) { r.Flags = FlagRetried },
	} {
		other := alike
		differ(&other)
		records = append(records, alike, alike, other, other)
	}
	together, single := newTable(t), newTable(t)
	together.Observe(records)
	for i := range records {
		single.Observe(records[i : i+1])
	}
	if *together != *single {
		t.Errorf("requests of one turn: got %v and %+v of series 3, want %v and %+v",
			counts(together), together.series[3], counts(single), single.series[3])
	}
}

// BenchmarkTableObserve counts requests that come alone, and eight that end in one turn.
func BenchmarkTableObserve(b *testing.B) {
	r := Record{Series: 3, Backend: 2, Status: 200, Duration: 1_000_000, Upstream: 900_000, ResponseBytes: 512}
	for _, together := range []int{1, 8} {
		b.Run(strconv.Itoa(together), func(b *testing.B) {
			table, records := newTable(b), slices.Repeat([]Record{r}, together)
			b.ReportAllocs()
			for b.Loop() {
				table.Observe(records)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*together), "ns/request")
		})
	}
}
