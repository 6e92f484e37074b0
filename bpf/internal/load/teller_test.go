package load

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
)

// randomCells makes cells of which some are empty, most have counted a little, and some
// have a number everywhere.
func randomCells(random *rand.Rand) map[uint32]probe.Cell {
	cells := map[uint32]probe.Cell{}
	for range 400 {
		var c probe.Cell
		words := unsafe.Slice((*uint64)(unsafe.Pointer(&c)), unsafe.Sizeof(c)/8)
		for range []int{0, 1, 5, 20, 10 * len(words)}[random.IntN(5)] {
			words[random.IntN(len(words))] = random.Uint64()
		}
		cells[random.Uint32N(probe.MaxSeries)] = c
	}
	return cells
}

// put has a map hold the cells, and returns those that have counted something.
func put(t *testing.T, m *ebpf.Map, cells map[uint32]probe.Cell) map[uint32]probe.Cell {
	t.Helper()
	some := map[uint32]probe.Cell{}
	for id, c := range cells {
		if err := m.Put(id, &c); err != nil {
			t.Fatal(err)
		}
		if c != (probe.Cell{}) {
			some[id] = c
		}
	}
	return some
}

// untold does something as on a kernel that takes none of the programs that tell.
func untold(l7 *L7, do func()) {
	teller := l7.teller
	l7.teller = nil
	do()
	l7.teller = teller
}

// TestCellsAreToldAsTheyAre asks for all cells, in more parts than there is room for at
// once, with the program and without it.
func TestCellsAreToldAsTheyAre(t *testing.T) {
	l7, err := LoadL7()
	bpftest.Require(t, err)
	t.Cleanup(func() { l7.Close() })
	if l7.teller == nil {
		t.Fatal("the kernel has refused the programs that tell what was counted")
	}
	random := rand.New(rand.NewPCG(1, 2))
	series, backends := put(t, l7.series, randomCells(random)), put(t, l7.backends, randomCells(random))
	compare := func(how string) {
		t.Helper()
		if diff := cmp.Diff(series, counted(t, l7.Series)); diff != "" {
			t.Errorf("series, %s (-want +got):\n%s", how, diff)
		}
		if diff := cmp.Diff(backends, counted(t, l7.Backends)); diff != "" {
			t.Errorf("backends, %s (-want +got):\n%s", how, diff)
		}
	}
	compare("told")
	untold(l7, func() { compare("read") })
}

// TestOnlyWhatIsAskedForIsTold, and each of it once.
func TestOnlyWhatIsAskedForIsTold(t *testing.T) {
	l7, err := LoadL7()
	bpftest.Require(t, err)
	t.Cleanup(func() { l7.Close() })
	var c probe.Cell
	c.Class[probe.Class2xx].Observe(1e6)
	put(t, l7.series, map[uint32]probe.Cell{0: c, 7: c, 4095: c, 8: {}})
	got := map[uint32]int{}
	if err := l7.Series([]uint32{4095, 8, 9, 0}, func(id uint32, told *probe.Cell) {
		if *told != (probe.Cell{}) {
			got[id]++
		}
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[uint32]int{0: 1, 4095: 1}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := l7.Series(nil, func(id uint32, _ *probe.Cell) { t.Errorf("asked for nothing: told %d", id) }); err != nil {
		t.Fatal(err)
	}
}

// TestOutcomesAreToldAsTheyAre fills the map that they are in, with the program and
// without it.
func TestOutcomesAreToldAsTheyAre(t *testing.T) {
	l7, err := LoadL7()
	bpftest.Require(t, err)
	t.Cleanup(func() { l7.Close() })
	random := rand.New(rand.NewPCG(3, 4))
	want := map[probe.Outcome]uint64{}
	for range l7.outcomes.MaxEntries() - 1 {
		o, n := probe.Outcome(random.Uint64()), random.Uint64()%3
		if err := l7.outcomes.Put(o, n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			want[o] = n
		}
	}
	compare := func(how string) {
		t.Helper()
		got := map[probe.Outcome]uint64{}
		if err := l7.Outcomes(func(o probe.Outcome, n uint64) {
			if n > 0 {
				got[o] += n
			}
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", how, diff)
		}
	}
	compare("told")
	untold(l7, func() { compare("read") })
}
