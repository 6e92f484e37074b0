package load

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

// ErrNoFilter says that nothing tells the calls of the own proxy from those of
// others that run the same executable.
var ErrNoFilter = errors.New("no way to tell the proxy's calls from others'")

// L7 is the program that counts requests, loaded. At most one executable is
// attached at a time. It is not safe for concurrent use, but for the reading
// methods, which may overlap with any other than Close.
type L7 struct {
	all *ebpf.Collection

	byCgroup *ebpf.Program
	byNetns  *ebpf.Program // nil without BTF

	scopes, outcomes, series, backends, counters *ebpf.Map
	// teller is nil where the kernel does not take its programs.
	teller *teller

	attached link.Link
}

// LoadL7 loads the program. It needs CAP_BPF and CAP_PERFMON.
func LoadL7() (*L7, error) {
	spec, err := bpf.LoadL7()
	if err != nil {
		return nil, fmt.Errorf("reading the request program: %w", err)
	}
	all, err := ebpf.NewCollection(spec)
	// Kernels before 6.1 do not let a program that is run look into these maps. Without
	// BTF the filter by network namespace does not load.
	for _, missing := range [][]string{{tellCells, tellOutcomes}, {"request_done_netns"}} {
		if err != nil {
			maps.DeleteFunc(spec.Programs, func(name string, _ *ebpf.ProgramSpec) bool { return slices.Contains(missing, name) })
			all, err = ebpf.NewCollection(spec)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("loading the request program: %w", err)
	}
	l := &L7{
		all:      all,
		byCgroup: all.Programs["request_done"],
		byNetns:  all.Programs["request_done_netns"],
		scopes:   all.Maps["scopes"],
		outcomes: all.Maps["outcomes"],
		series:   all.Maps["series"],
		backends: all.Maps["backends"],
		counters: all.Maps["counters"],
		teller:   newTeller(all),
	}
	if err := l.Reset(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Target says what to attach to, and whose calls count.
type Target struct {
	Executable *os.File
	// Offset is that of the instruction in the executable.
	Offset uint64
	// Cgroup is the cgroup v2 identifier of the only caller, zero when it is
	// not known.
	Cgroup uint64
	// Netns is the inode of the callers' network namespace. It is the filter
	// when the cgroup is not known.
	Netns uint32
	// PID, when it is not zero, is the only process that gets the probe: no
	// other one that runs the executable is slowed by it.
	PID uint32
}

// Attach makes the calls of the target count, in place of those of the one
// before. The executable is not needed afterwards.
func (l *L7) Attach(t Target) error {
	if err := l.Detach(); err != nil {
		return err
	}
	program := l.byCgroup
	if t.Cgroup == 0 && t.Netns != 0 && l.byNetns != nil {
		program = l.byNetns
	} else if t.Cgroup == 0 && t.PID == 0 {
		return ErrNoFilter
	}
	scope := bpf.L7Scope{Cgroup: t.Cgroup, Netns: t.Netns}
	if err := l.scopes.Put(uint32(0), scope); err != nil {
		return fmt.Errorf("setting the filter: %w", err)
	}
	exe, err := link.OpenExecutable(fmt.Sprintf("/proc/self/fd/%d", t.Executable.Fd()))
	if err != nil {
		return fmt.Errorf("opening the executable: %w", err)
	}
	l.attached, err = exe.UprobeMulti(nil, program, &link.UprobeMultiOptions{
		Addresses: []uint64{t.Offset},
		PID:       t.PID,
	})
	if err != nil {
		return fmt.Errorf("attaching to the probe function: %w", err)
	}
	return nil
}

// Attached says whether there is an executable whose calls are counted.
func (l *L7) Attached() bool { return l.attached != nil }

// Detach ends the counting; what was counted stays.
func (l *L7) Detach() error {
	if l.attached == nil {
		return nil
	}
	err := l.attached.Close()
	l.attached = nil
	if err != nil {
		return fmt.Errorf("detaching from the probe function: %w", err)
	}
	return nil
}

// Close detaches and frees the maps.
func (l *L7) Close() error {
	err := errors.Join(l.Detach(), l.teller.close())
	l.all.Close()
	return err
}

// Outcomes calls fn for each way in which requests ended.
func (l *L7) Outcomes(fn func(probe.Outcome, uint64)) error {
	if l.teller != nil {
		return l.teller.outcomes(fn)
	}
	return each(l.outcomes, outcomesAtOnce, func(o *probe.Outcome, n *uint64) { fn(*o, *n) })
}

// Series calls fn for the series among ids that have counted something, and perhaps for
// others. The cell is valid only during the call.
func (l *L7) Series(ids []uint32, fn func(id uint32, c *probe.Cell)) error {
	if l.teller != nil {
		return l.teller.cells(ids, false, fn)
	}
	return cells(l.series, ids, fn)
}

// Backends is Series for backends.
func (l *L7) Backends(ids []uint32, fn func(id uint32, c *probe.Cell)) error {
	if l.teller != nil {
		return l.teller.cells(ids, true, fn)
	}
	return cells(l.backends, ids, fn)
}

// Counter returns one of the counters of what could not be counted properly.
func (l *L7) Counter(c probe.Counter) (uint64, error) {
	var n uint64
	if err := l.counters.Lookup(uint32(c), &n); err != nil {
		return 0, fmt.Errorf("reading counter %d: %w", c, err)
	}
	return n, nil
}

// Clear forgets the series and backends that gone says are no more.
func (l *L7) Clear(series, backend func(id uint32) bool) error {
	return errors.Join(
		remove[uint64](l.outcomes, outcomesAtOnce, func(o probe.Outcome) bool {
			return o != probe.OverflowOutcome && (series(o.Series()) || backend(o.Backend()))
		}),
		remove[probe.Cell](l.series, cellsAtOnce, func(id uint32) bool { return id != 0 && series(id) }),
		remove[probe.Cell](l.backends, cellsAtOnce, func(id uint32) bool { return id != 0 && backend(id) }),
	)
}

// Reset forgets everything that was counted.
func (l *L7) Reset() error {
	everything := func(uint32) bool { return true }
	if err := l.Clear(everything, everything); err != nil {
		return err
	}
	for c := range uint32(probe.Counters) {
		if err := l.counters.Put(c, uint64(0)); err != nil {
			return fmt.Errorf("clearing counter %d: %w", c, err)
		}
	}
	// The entries that take what finds the maps full must be there before.
	return errors.Join(
		l.outcomes.Put(probe.OverflowOutcome, uint64(0)),
		l.series.Put(uint32(0), &probe.Cell{}),
		l.backends.Put(uint32(0), &probe.Cell{}),
	)
}
