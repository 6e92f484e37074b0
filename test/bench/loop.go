package main

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// bareCalls is how many calls are made to find out what one takes.
const bareCalls = 5000

// bareCall is the CPU time of a system call that does next to nothing. A nop that the
// kernel has replaced for a probe makes one too, so that no probe costs less.
func bareCall() (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := threadTime()
	if err != nil {
		return 0, err
	}
	for range bareCalls {
		unix.Getppid()
	}
	after, err := threadTime()
	return (after - before) / bareCalls, err
}

// threadTime is the CPU time of this thread so far.
func threadTime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("reading the thread's clock: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
