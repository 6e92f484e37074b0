package probe

import (
	"iter"
	"sync/atomic"
	"unsafe"
)

// MaxOutcomes bounds the outcomes that are told apart.
const MaxOutcomes = 16384

// TableMagic is the first word of a Table.
const TableMagic = 0x6674_6f62_7031_0001

// TableSize is the size of a Table in bytes. Memory is needed only for the
// pages that are written to.
const TableSize = int(unsafe.Sizeof(Table{}))

// probes bounds the search for an outcome's slot.
const probes = 64

// Table is the memory that proxy and sensor share where no probe can be
// attached: the proxy adds, the sensor reads and clears. All its methods are
// safe for concurrent use, by several processes as well.
type Table struct {
	Magic    uint64
	counters [Counters]uint64
	overflow uint64
	outcomes [MaxOutcomes]slot
	series   [MaxSeries]Cell
	backends [MaxSeries]Cell
}

type slot struct {
	key, count uint64
}

// Counter is one of the things that can go wrong in counting.
type Counter uint32

// The counters, as enum counter in bpf/programs/l7.bpf.c.
const (
	CounterRefused Counter = iota
	CounterSeriesOverflow
	CounterBackendOverflow
	CounterOutcomeOverflow
	Counters
)

// TableAt returns the Table at the start of mem, which must be shared memory
// of at least TableSize bytes, aligned to a page, that outlives the Table.
func TableAt(mem []byte) *Table {
	if len(mem) < TableSize {
		panic("probe: memory is smaller than the table")
	}
	return (*Table)(unsafe.Pointer(unsafe.SliceData(mem)))
}

// Observe counts requests. An atomic addition is what costs most here: those that follow
// each other and ended alike share all of theirs but that of the bucket.
func (t *Table) Observe(records []Record) {
	for len(records) > 0 {
		outcome := records[0].Outcome()
		n := 1
		for n < len(records) && records[n].Outcome() == outcome {
			n++
		}
		t.countOutcome(outcome, uint64(n))
		t.observeAlike(outcome, records[:n])
		records = records[n:]
	}
}

// observeAlike adds requests that ended alike to the cells of their series and backend.
func (t *Table) observeAlike(o Outcome, records []Record) {
	series, backend, class := &t.series[o.Series()], o.Backend(), ClassOf(o.Status())
	took, waited := &series.Class[class], &t.backends[backend].Class[class]
	var in, out, total, upstream uint64
	for i := range records {
		r := &records[i]
		in, out, total = in+r.RequestBytes, out+r.ResponseBytes, total+r.Duration
		took.count(r.Duration)
		if backend != 0 {
			upstream += r.Upstream
			waited.count(r.Upstream)
		}
	}
	add(&series.RequestBytes, in)
	add(&series.ResponseBytes, out)
	add(&took.Sum, total)
	add(&waited.Sum, upstream)
}

// add spares the addition of nothing, as most requests have no body.
func add(to *uint64, n uint64) {
	if n != 0 {
		atomic.AddUint64(to, n)
	}
}

// countOutcome counts n requests that ended so.
func (t *Table) countOutcome(o Outcome, n uint64) {
	const golden = 0x9e37_79b9_7f4a_7c15
	at := uint64(o) * golden >> 50 // the top 14 bits
	for range probes {
		s := &t.outcomes[at%MaxOutcomes]
		key := atomic.LoadUint64(&s.key)
		if key == 0 && atomic.CompareAndSwapUint64(&s.key, 0, uint64(o)) {
			key = uint64(o)
		} else if key == 0 {
			key = atomic.LoadUint64(&s.key)
		}
		if key == uint64(o) {
			atomic.AddUint64(&s.count, n)
			return
		}
		at++
	}
	atomic.AddUint64(&t.counters[CounterOutcomeOverflow], n)
	atomic.AddUint64(&t.overflow, n)
}

// Outcomes iterates over the outcomes that have been counted.
func (t *Table) Outcomes() iter.Seq2[Outcome, uint64] {
	return func(yield func(Outcome, uint64) bool) {
		if n := atomic.LoadUint64(&t.overflow); n > 0 && !yield(OverflowOutcome, n) {
			return
		}
		for i := range t.outcomes {
			n := atomic.LoadUint64(&t.outcomes[i].count)
			if n > 0 && !yield(Outcome(atomic.LoadUint64(&t.outcomes[i].key)), n) {
				return
			}
		}
	}
}

// Counter returns one of the counters.
func (t *Table) Counter(c Counter) uint64 { return atomic.LoadUint64(&t.counters[c]) }

// ReadSeries copies the cell of a series to c.
func (t *Table) ReadSeries(id uint32, c *Cell) { c.load(&t.series[bounded(id)]) }

// ReadBackend copies the cell of a backend to c.
func (t *Table) ReadBackend(id uint32, c *Cell) { c.load(&t.backends[bounded(id)]) }

// Clear sets to zero what was counted of the series and backends that gone
// says are no more.
func (t *Table) Clear(series, backend func(id uint32) bool) {
	for i := range t.outcomes {
		s := &t.outcomes[i]
		o := Outcome(atomic.LoadUint64(&s.key))
		if o == 0 || (!series(o.Series()) && !backend(o.Backend())) {
			continue
		}
		atomic.StoreUint64(&s.count, 0)
		// Only what was counted has touched its page; so does clearing.
		if series(o.Series()) {
			t.series[o.Series()].clear()
		}
		if backend(o.Backend()) {
			t.backends[o.Backend()].clear()
		}
	}
}

// words views a cell as the numbers that it is made of.
func (c *Cell) words() *[unsafe.Sizeof(Cell{}) / 8]uint64 {
	return (*[unsafe.Sizeof(Cell{}) / 8]uint64)(unsafe.Pointer(c))
}

func (c *Cell) load(from *Cell) {
	to, words := c.words(), from.words()
	for i := range words {
		to[i] = atomic.LoadUint64(&words[i])
	}
}

func (c *Cell) clear() {
	for i, words := 0, c.words(); i < len(words); i++ {
		atomic.StoreUint64(&words[i], 0)
	}
}
