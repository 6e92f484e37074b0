package load

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/probe/v1/point"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
)

// attachToSelf loads the program and attaches it to this process.
func attachToSelf(t testing.TB) *L7 {
	t.Helper()
	l7, err := LoadL7()
	bpftest.Require(t, err)
	t.Cleanup(func() { l7.Close() })
	bpftest.Require(t, l7.Attach(self(t)))
	return l7
}

// self is this process, told by its identifier.
func self(t testing.TB) Target {
	t.Helper()
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { exe.Close() })
	here, err := point.Find()
	bpftest.Require(t, err)
	return Target{Executable: exe, Offset: here.Offset + point.Fast, PID: uint32(os.Getpid())}
}

// call makes one call of the probe function.
func call(records ...probe.Record) {
	var c probe.Call
	c.Fill(records)
	point.RequestsDone(&c.Registers)
}

func outcomes(t *testing.T, l7 *L7) map[probe.Outcome]uint64 {
	t.Helper()
	counts := map[probe.Outcome]uint64{}
	if err := l7.Outcomes(func(o probe.Outcome, n uint64) {
		if n > 0 {
			counts[o] += n
		}
	}); err != nil {
		t.Fatal(err)
	}
	return counts
}

// cells reads the series, or the backends, that something was counted in.
// all are the identifiers that there can be.
func all() (ids []uint32) {
	for id := range uint32(probe.MaxSeries) {
		ids = append(ids, id)
	}
	return ids
}

// counted returns the cells that have counted anything.
func counted(t *testing.T, read func([]uint32, func(uint32, *probe.Cell)) error) map[uint32]probe.Cell {
	t.Helper()
	cells := map[uint32]probe.Cell{}
	if err := read(all(), func(id uint32, c *probe.Cell) {
		if *c != (probe.Cell{}) {
			cells[id] = *c
		}
	}); err != nil {
		t.Fatal(err)
	}
	return cells
}

func counter(t *testing.T, l7 *L7, c probe.Counter) uint64 {
	t.Helper()
	n, err := l7.Counter(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestARecordIsCountedAsItSays(t *testing.T) {
	l7 := attachToSelf(t)
	r := probe.Record{
		Series: 4095, Backend: 17, Status: 503, Method: probe.MethodPost, Protocol: probe.GRPC,
		Flags: probe.FlagTimeout, Duration: 5_000_000, Upstream: 4_000_000, RequestBytes: 10, ResponseBytes: 20,
	}
	call(r)
	call(r)
	if got := outcomes(t, l7); len(got) != 1 || got[r.Outcome()] != 2 {
		t.Errorf("outcomes: got %v, want 2 of %v", got, r.Outcome())
	}
	want := probe.Cell{RequestBytes: 20, ResponseBytes: 40}
	want.Class[probe.ClassOther].Observe(r.Duration)
	want.Class[probe.ClassOther].Observe(r.Duration)
	if got := counted(t, l7.Series); len(got) != 1 || got[4095] != want {
		t.Errorf("series: got %v, want %v", got, want)
	}
	want = probe.Cell{}
	want.Class[probe.ClassOther].Observe(r.Upstream)
	want.Class[probe.ClassOther].Observe(r.Upstream)
	if got := counted(t, l7.Backends); len(got) != 1 || got[17] != want {
		t.Errorf("backends: got %v, want %v", got, want)
	}
}

// All registers are told apart: each record of a call has numbers of its own.
func TestAllRecordsOfACallAreCounted(t *testing.T) {
	for n := range 4 {
		l7 := attachToSelf(t)
		var records []probe.Record
		series, backends := map[uint32]probe.Cell{}, map[uint32]probe.Cell{}
		for i := range uint32(n + 1) {
			r := probe.Record{
				Series: 10 + i, Backend: 20 + i, Status: uint16(200 + i), Duration: 1_000_000 << i, Upstream: 1000 << i,
				RequestBytes: uint64(30 + i), ResponseBytes: uint64(40 + i),
			}
			records = append(records, r)
			sent, answered := probe.Cell{}, probe.Cell{RequestBytes: r.RequestBytes, ResponseBytes: r.ResponseBytes}
			answered.Class[probe.Class2xx].Observe(r.Duration)
			sent.Class[probe.Class2xx].Observe(r.Upstream)
			series[r.Series], backends[r.Backend] = answered, sent
		}
		call(records...)
		if got := outcomes(t, l7); len(got) != len(records) {
			t.Errorf("outcomes of %d records: got %v", len(records), got)
		}
		if diff := cmp.Diff(series, counted(t, l7.Series)); diff != "" {
			t.Errorf("series of %d records (-want +got):\n%s", len(records), diff)
		}
		if diff := cmp.Diff(backends, counted(t, l7.Backends)); diff != "" {
			t.Errorf("backends of %d records (-want +got):\n%s", len(records), diff)
		}
	}
}

func TestALongRecordIsCountedAsItSays(t *testing.T) {
	l7 := attachToSelf(t)
	r := probe.Record{Series: 1, Backend: 2, Status: 101, Duration: 1 << 50, Upstream: 1 << 49, RequestBytes: 1 << 40, ResponseBytes: 1 << 41}
	call(r)
	sent, answered := probe.Cell{}, probe.Cell{RequestBytes: r.RequestBytes, ResponseBytes: r.ResponseBytes}
	answered.Class[probe.ClassOther].Observe(r.Duration)
	sent.Class[probe.ClassOther].Observe(r.Upstream)
	if diff := cmp.Diff(map[uint32]probe.Cell{1: answered}, counted(t, l7.Series)); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[uint32]probe.Cell{2: sent}, counted(t, l7.Backends)); diff != "" {
		t.Errorf("backends (-want +got):\n%s", diff)
	}
}

func TestCallsOfAnotherLayoutAreRefused(t *testing.T) {
	l7 := attachToSelf(t)
	point.RequestsDone(&[12]uint64{1<<60 | 1, 1, 1, 1, 1, 1})
	if got := outcomes(t, l7); len(got) != 0 {
		t.Errorf("outcomes: got %v, want none", got)
	}
	if got := counter(t, l7, probe.CounterRefused); got != 1 {
		t.Errorf("refused: got %d, want 1", got)
	}
}

func TestAllSeriesAtOnceHaveRoom(t *testing.T) {
	l7 := attachToSelf(t)
	for id := range uint32(probe.MaxSeries) {
		call(probe.Record{Series: id, Backend: id, Status: 200, Duration: 1, Upstream: 1})
	}
	if got := len(counted(t, l7.Series)); got != probe.MaxSeries {
		t.Errorf("series: got %d, want %d", got, probe.MaxSeries)
	}
	if got := len(counted(t, l7.Backends)); got != probe.MaxSeries-1 {
		t.Errorf("backends: got %d, want %d", got, probe.MaxSeries-1)
	}
	for c := range probe.Counters {
		if n := counter(t, l7, c); n != 0 {
			t.Errorf("counter %d: got %d, want 0", c, n)
		}
	}
}

func TestFullMapsLoseNoRequest(t *testing.T) {
	l7 := attachToSelf(t)
	var n uint64
	for id := range uint32(probe.MaxSeries) {
		for status := range uint16(5) {
			call(probe.Record{Series: id, Status: 200 + status})
			n++
		}
	}
	got := outcomes(t, l7)
	var total uint64
	for _, c := range got {
		total += c
	}
	if total != n {
		t.Errorf("requests: got %d, want %d", total, n)
	}
	if len(got) > probe.MaxOutcomes {
		t.Errorf("outcomes: got %d, want at most %d", len(got), probe.MaxOutcomes)
	}
	if lost := counter(t, l7, probe.CounterOutcomeOverflow); lost == 0 || got[probe.OverflowOutcome] != lost {
		t.Errorf("overflow: got %d requests and counter %d", got[probe.OverflowOutcome], lost)
	}
}

func TestClearForgetsOnlyWhatIsGone(t *testing.T) {
	l7 := attachToSelf(t)
	call(probe.Record{Series: 1, Backend: 3, Status: 200})
	call(probe.Record{Series: 2, Backend: 4, Status: 200})
	is := func(want uint32) func(uint32) bool { return func(id uint32) bool { return id == want } }
	if err := l7.Clear(is(1), is(3)); err != nil {
		t.Fatal(err)
	}
	if got := outcomes(t, l7); len(got) != 1 {
		t.Errorf("outcomes: got %v, want that of series 2", got)
	}
	if got := counted(t, l7.Series); len(got) != 1 {
		t.Errorf("series: got %d, want series 2", len(got))
	}
	if err := l7.Reset(); err != nil {
		t.Fatal(err)
	}
	if got := outcomes(t, l7); len(got) != 0 {
		t.Errorf("after Reset: got %v", got)
	}
	call(probe.Record{Series: 2, Status: 200})
	if got := outcomes(t, l7); len(got) != 1 {
		t.Errorf("a call after Reset: got %v", got)
	}
}

func TestOnlyTheTargetsCallsCount(t *testing.T) {
	l7, err := LoadL7()
	bpftest.Require(t, err)
	defer l7.Close()
	own, err := os.Stat("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	netns := inode(own)
	tests := []struct {
		name   string
		change func(*Target)
		want   int
		err    error
	}{
		{"the process", func(*Target) {}, 1, nil},
		{"another process", func(g *Target) { g.PID = uint32(os.Getppid()) }, 0, nil},
		{"the network namespace", func(g *Target) { g.PID, g.Netns = 0, netns }, 1, nil},
		{"another network namespace", func(g *Target) { g.PID, g.Netns = 0, netns+1 }, 0, nil},
		{"another cgroup", func(g *Target) { g.PID, g.Cgroup = 0, 1<<40 }, 0, nil},
		{"nothing to tell by", func(g *Target) { g.PID = 0 }, 0, ErrNoFilter},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := self(t)
			tt.change(&target)
			if err := l7.Attach(target); !errors.Is(err, tt.err) {
				t.Fatalf("Attach: got error %v, want %v", err, tt.err)
			}
			if err := l7.Reset(); err != nil {
				t.Fatal(err)
			}
			call(probe.Record{Series: 1, Status: 200})
			if got := len(outcomes(t, l7)); got != tt.want {
				t.Errorf("got %d calls, want %d", got, tt.want)
			}
		})
	}
}

func TestDetachRestoresTheCode(t *testing.T) {
	here, err := point.Find()
	bpftest.Require(t, err)
	l7 := attachToSelf(t)
	for range 1000 {
		call(probe.Record{Status: 200})
	}
	if here.Live() == [6]byte([]byte(point.Pattern)) {
		t.Error("an attached probe has left the code as it was")
	}
	// A proxy that starts on a node where its image is probed already finds
	// the point all the same.
	if again, err := point.Find(); again != here || err != nil {
		t.Errorf("Find while attached: got %+v, %v; want %+v", again, err, here)
	}
	for range 50 {
		if err := l7.Detach(); err != nil {
			t.Fatal(err)
		}
		if got := here.Live(); got != [6]byte([]byte(point.Pattern)) {
			t.Fatalf("code after Detach: got % x, want % x", got, point.Pattern)
		}
		if err := l7.Attach(self(t)); err != nil {
			t.Fatal(err)
		}
		call(probe.Record{Status: 200})
	}
	if got := outcomes(t, l7)[(&probe.Record{Status: 200}).Outcome()]; got != 1050 {
		t.Errorf("calls: got %d, want 1050", got)
	}
}

func inode(info os.FileInfo) uint32 { return uint32(info.Sys().(*syscall.Stat_t).Ino) }
