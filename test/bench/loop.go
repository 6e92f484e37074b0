package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
)

// loopTurns is how often something is done to find out what it takes.
const loopTurns = 5000

// loops is what the parts of a sensor's cost take that can be looked at alone.
type loops struct {
	// call is the CPU time of a system call that does next to nothing. A nop that the
	// kernel has replaced for a probe makes one too, so that no probe costs less.
	call time.Duration
	// record is that of counting a request in shared memory, which is all that the proxy
	// does more where it counts so, and together that of each of those that end alike in
	// one turn.
	record, together time.Duration
}

// recordsTogether is how many requests of one turn are counted together.
const recordsTogether = 8

// runLoops measures each once.
func runLoops() (l loops, err error) {
	if l.call, err = loopTime(func() { unix.Getppid() }); err != nil {
		return l, err
	}
	words := make([]uint64, probev1.TableSize/8)
	table := probev1.TableAt(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), probev1.TableSize))
	requests := slices.Repeat([]probev1.Record{{
		Series: 3, Backend: 2, Status: 200, Duration: 1_000_000, Upstream: 900_000, RequestBytes: 80, ResponseBytes: 1024,
	}}, recordsTogether)
	if l.record, err = loopTime(func() { table.Observe(requests[:1]) }); err != nil {
		return l, err
	}
	l.together, err = loopTime(func() { table.Observe(requests) })
	l.together /= recordsTogether
	return l, err
}

// loopTime is the CPU time of what is done in a loop.
func loopTime(do func()) (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := threadTime()
	if err != nil {
		return 0, err
	}
	for range loopTurns {
		do()
	}
	after, err := threadTime()
	return (after - before) / loopTurns, err
}

// threadTime is the CPU time of this thread so far.
func threadTime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("reading the thread's clock: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
