package bpf

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
	"github.com/fleetgate/fleetgate/internal/long"
)

// testProgram loads one of the wrappers around what the programs are made of.
func testProgram(t *testing.T, name string) *ebpf.Program {
	t.Helper()
	spec, err := bpftest.LoadTesting()
	if err != nil {
		t.Fatal(err)
	}
	spec.Programs = map[string]*ebpf.ProgramSpec{name: spec.Programs[name]}
	all, err := ebpf.NewCollection(spec)
	bpftest.Require(t, err)
	t.Cleanup(all.Close)
	return all.Programs[name]
}

// batch is how many durations the wrapper takes at once.
const batch = len(bpftest.TestingBucketTest{}.Ns)

func buckets(t *testing.T, program *ebpf.Program, ns [batch]uint64) [batch]uint32 {
	t.Helper()
	in, out := bpftest.TestingBucketTest{Ns: ns}, bpftest.TestingBucketTest{}
	if _, err := program.Run(&ebpf.RunOptions{Context: in, ContextOut: &out}); err != nil {
		t.Fatal(err)
	}
	return out.Slot
}

func TestBucketsInTheKernelAreThoseOfTheModel(t *testing.T) {
	program := testProgram(t, "test_bucket")
	edges := []uint64{0, 1, 953, 954, 1_000_000, 1_000_000_000, 1_000_000_001, 1 << 42, 1<<42 + 1, math.MaxUint64}
	for k := range 64 {
		edges = append(edges, 1<<k-1, 1<<k, 1<<k+1)
	}
	random := rand.New(rand.NewPCG(5, 6))
	for len(edges) < 1_000_000 {
		edges = append(edges, random.Uint64()>>random.UintN(64))
	}
	compared := 0
	for len(edges) >= batch {
		ns := [batch]uint64(edges)
		edges = edges[batch:]
		for i, got := range buckets(t, program, ns) {
			if want := probe.BucketOf(ns[i]); got != uint32(want) {
				t.Fatalf("%d ns: got bucket %d, want %d", ns[i], got, want)
			}
		}
		compared += batch
	}
	long.Report(t, "Buckets in the kernel beside the model", compared, "0 durations in another bucket")
}

func TestRecordsAreUnpackedInTheKernelAsTheyWerePacked(t *testing.T) {
	program := testProgram(t, "test_record")
	random := rand.New(rand.NewPCG(7, 8))
	for range 20_000 {
		r := probe.Record{
			Series:   random.Uint32N(2 * probe.MaxSeries),
			Backend:  random.Uint32N(2 * probe.MaxSeries),
			Status:   uint16(random.UintN(1024)),
			Method:   probe.Method(random.UintN(16)),
			Protocol: probe.Protocol(random.UintN(8)),
			Flags:    probe.Flags(random.UintN(256)),
			GRPC:     uint8(random.UintN(32)),
			Duration: random.Uint64N(1 << 40), Upstream: random.Uint64N(1 << 40),
			RequestBytes: random.Uint64N(1 << 24), ResponseBytes: random.Uint64N(1 << 24),
		}
		var c probe.Call
		c.Fill([]probe.Record{r})
		in, out := bpftest.TestingRecordTest{Word: [3]uint64(c.Registers[:])}, bpftest.TestingRecordTest{}
		if _, err := program.Run(&ebpf.RunOptions{Context: in, ContextOut: &out}); err != nil {
			t.Fatal(err)
		}
		o := r.Outcome()
		want := bpftest.TestingRecordTest{
			Word: in.Word, Outcome: uint64(o), Series: o.Series(), Backend: o.Backend(),
			Duration: r.Duration, Upstream: r.Upstream, RequestBytes: r.RequestBytes, ResponseBytes: r.ResponseBytes,
			Class: uint32(probe.ClassOf(r.Status)), Form: uint32(c.Registers[0] >> 60),
		}
		if out != want {
			t.Fatalf("record %+v: got %+v, want %+v", r, out, want)
		}
	}
}

// layout lists the numbers that a type is made of, with their offsets.
func layout(t *testing.T, typ btf.Type, at uint32, path string, out map[string]uint32) {
	t.Helper()
	switch typ := btf.UnderlyingType(typ).(type) {
	case *btf.Struct:
		for _, m := range typ.Members {
			layout(t, m.Type, at+m.Offset.Bytes(), path+"."+strings.ReplaceAll(m.Name, "_", ""), out)
		}
	case *btf.Array:
		size, err := btf.Sizeof(typ.Type)
		if err != nil {
			t.Fatal(err)
		}
		for i := range typ.Nelems {
			layout(t, typ.Type, at+i*uint32(size), fmt.Sprintf("%s[%d]", path, i), out)
		}
	default:
		out[path] = at
	}
}

func goLayout(typ reflect.Type, at uintptr, path string, out map[string]uint32) {
	switch typ.Kind() {
	case reflect.Struct:
		for f := range typ.Fields() {
			goLayout(f.Type, at+f.Offset, path+"."+strings.ToLower(f.Name), out)
		}
	case reflect.Array:
		for i := range typ.Len() {
			goLayout(typ.Elem(), at+uintptr(i)*typ.Elem().Size(), fmt.Sprintf("%s[%d]", path, i), out)
		}
	default:
		out[path] = uint32(at)
	}
}

func TestCellsHaveTheSameLayoutInCAndGo(t *testing.T) {
	spec, err := LoadL7()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"series", "backends"} {
		got, want := map[string]uint32{}, map[string]uint32{}
		layout(t, spec.Maps[name].Value, 0, "", got)
		goLayout(reflect.TypeFor[probe.Cell](), 0, "", want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: C has %v, Go has %v", name, got, want)
		}
	}
}

func TestSocketFactsHaveTheSameLayoutInCAndGo(t *testing.T) {
	got, want := map[string]uint32{}, map[string]uint32{}
	goLayout(reflect.TypeFor[L4SocketFacts](), 0, "", got)
	goLayout(reflect.TypeFor[probe.SocketFacts](), 0, "", want)
	delete(got, "_")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("C has %v, Go has %v", got, want)
	}
}

func TestBoundsAndCountersAreTheSameInCAndGo(t *testing.T) {
	spec, err := LoadL7()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]uint32{
		"series": probe.MaxSeries, "backends": probe.MaxSeries, "outcomes": probe.MaxOutcomes, "counters": uint32(probe.Counters),
	} {
		if got := spec.Maps[name].MaxEntries; got != want {
			t.Errorf("map %s has %d entries, want %d", name, got, want)
		}
	}
	for c, want := range map[L7Counter]probe.Counter{
		L7CounterCOUNTER_REFUSED:          probe.CounterRefused,
		L7CounterCOUNTER_SERIES_OVERFLOW:  probe.CounterSeriesOverflow,
		L7CounterCOUNTER_BACKEND_OVERFLOW: probe.CounterBackendOverflow,
		L7CounterCOUNTER_OUTCOME_OVERFLOW: probe.CounterOutcomeOverflow,
		L7CounterCOUNTERS:                 probe.Counters,
	} {
		if uint32(c) != uint32(want) {
			t.Errorf("counter %d in C is %d in Go", c, want)
		}
	}
}

// Verifiers differ between kernels in what they can follow; short programs are within
// the means of all. What loops, tell_cells alone, is done without where it is refused.
func TestProgramsAreShort(t *testing.T) {
	const limit = 2000
	for name, load := range map[string]func() (*ebpf.CollectionSpec, error){"L7": LoadL7, "L4": LoadL4} {
		spec, err := load()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range spec.Programs {
			if n := len(p.Instructions); n > limit {
				t.Errorf("%s: program %s has %d instructions, more than %d", name, p.Name, n, limit)
			}
		}
	}
}
