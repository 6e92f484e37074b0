package selftest

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/probe/v1/point"
	"github.com/fleetgate/fleetgate/bpf/internal/load"
)

// Mode is how calls reach the program.
type Mode string

// The modes, best first.
const (
	// Fast: the kernel has replaced the five-byte nop by a call.
	Fast Mode = "uprobe-fast"
	// Trap: the one-byte nop raises a breakpoint, which is emulated.
	Trap Mode = "uprobe-trap"
)

// ErrTooSlow says that calls would cost the proxy too much.
var ErrTooSlow = errors.New("a call of the probe function takes too long")

// slowest is what one call may take. It takes a fifth of that, twice as much beside a
// busy neighbour, and several times as much where an instruction has to be stepped over.
const slowest = 4 * time.Microsecond

// Calls are made in rounds, the fastest of which counts: the others tell how busy the
// machine is. They are short, so that some of them are not interrupted.
const (
	rounds = 50
	calls  = 40
)

// Result is what the test found.
type Result struct {
	Mode Mode
	// Place is the instruction to attach to, relative to the attach point's
	// offset.
	Place uint64
	// Cost is that of one call.
	Cost time.Duration
}

// Run tries the fast place, then the other. It leaves the program detached and
// its maps empty.
func Run(l7 *load.L7) (Result, error) {
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		return Result{}, fmt.Errorf("opening own executable: %w", err)
	}
	defer exe.Close()
	here, err := point.Find()
	if err != nil {
		return Result{}, err
	}
	var r Result
	for _, place := range []uint64{point.Fast, point.Trap} {
		target := load.Target{Executable: exe, Offset: here.Offset + place, PID: uint32(os.Getpid())}
		r, err = try(l7, target, here)
		r.Place = place
		// Where the kernel does not replace the longer nop, it may even
		// have to step over it: the other is at least emulated.
		if err == nil && (r.Mode == Fast || place == point.Trap) {
			break
		}
	}
	if err == nil && r.Cost > slowest {
		err = fmt.Errorf("%w: %v", ErrTooSlow, r.Cost)
	}
	return r, errors.Join(err, l7.Reset())
}

// try attaches, calls and detaches.
func try(l7 *load.L7, target load.Target, here point.Point) (Result, error) {
	if err := l7.Attach(target); err != nil {
		return Result{}, err
	}
	r := Result{Mode: Trap, Cost: measure()}
	// The kernel puts a breakpoint first and the call only on a hit, so the
	// code tells the mode after the calls.
	const call = 0xe8
	if here.Live()[point.Fast] == call {
		r.Mode = Fast
	}
	counted, err := count(l7)
	if err = errors.Join(err, l7.Detach(), l7.Reset()); err != nil {
		return r, err
	}
	if counted != rounds*calls {
		return r, fmt.Errorf("%d of %d calls were counted", counted, rounds*calls)
	}
	return r, nil
}

func measure() time.Duration {
	best := time.Duration(1<<63 - 1)
	var c probe.Call
	c.Fill([]probe.Record{{Status: 200}})
	for range rounds {
		start := time.Now()
		for range calls {
			point.RequestsDone(&c.Registers)
		}
		best = min(best, time.Since(start)/calls)
	}
	return best
}

func count(l7 *load.L7) (uint64, error) {
	var total uint64
	err := l7.Outcomes(func(_ probe.Outcome, n uint64) { total += n })
	return total, err
}
