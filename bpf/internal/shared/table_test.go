package shared

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// writer maps the table a second time, as the proxy does.
func writer(t *testing.T, table *Table) *probe.Table {
	t.Helper()
	memory, err := unix.Mmap(int(table.File().Fd()), 0, probe.TableSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(memory) })
	return probe.TableAt(memory)
}

func newTable(t *testing.T) *Table {
	t.Helper()
	table, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

func TestTableReadsWhatTheProxyCounts(t *testing.T) {
	table := newTable(t)
	proxy := writer(t, table)
	proxy.Observe([]probe.Record{{Series: 4095, Backend: 9, Status: 503, Duration: 10, Upstream: 7, RequestBytes: 3}})
	proxy.Observe([]probe.Record{{Series: 1, Status: 404, Duration: 20}})

	series, backends := map[uint32]uint64{}, map[uint32]uint64{}
	table.Series([]uint32{1, 4095}, func(id uint32, c *probe.Cell) { series[id] = c.Class[probe.ClassOther].Sum })
	table.Backends([]uint32{9}, func(id uint32, c *probe.Cell) { backends[id] = c.Class[probe.ClassOther].Sum })
	if len(series) != 2 || series[4095] != 10 || series[1] != 20 {
		t.Errorf("series: got %v", series)
	}
	if len(backends) != 1 || backends[9] != 7 {
		t.Errorf("backends: got %v", backends)
	}
}

func TestResetForgetsEverythingAndFreesTheMemory(t *testing.T) {
	table := newTable(t)
	proxy := writer(t, table)
	for id := range uint32(1000) {
		proxy.Observe([]probe.Record{{Series: id, Status: 200}})
	}
	if err := table.Reset(); err != nil {
		t.Fatal(err)
	}
	if proxy.Magic != probe.TableMagic {
		t.Error("the table has lost its magic number")
	}
	table.Outcomes(func(o probe.Outcome, n uint64) { t.Errorf("outcome %#x: %d requests left", uint64(o), n) })
	var stat unix.Stat_t
	if err := unix.Fstat(int(table.File().Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	if got, limit := stat.Blocks*512, int64(probe.MaxOutcomes*16*2); got > limit {
		t.Errorf("memory in use: got %d bytes, want at most %d", got, limit)
	}
}

func TestTheSizeCannotBeChanged(t *testing.T) {
	table := newTable(t)
	for _, size := range []int64{0, 4096, int64(2 * probe.TableSize)} {
		if err := unix.Ftruncate(int(table.File().Fd()), size); err != unix.EPERM {
			t.Errorf("setting the size to %d: got error %v, want EPERM", size, err)
		}
	}
}
