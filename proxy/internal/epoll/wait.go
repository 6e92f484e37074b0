//go:build linux

package epoll

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wait waits for events and returns how many there are.
//
// As long as they come Go's scheduler is not told that the thread waits. If it
// were, its monitor would look after the thread every 20 µs and take the loop's
// processor away from it, which costs more than a request does. Nobody waits for
// the loop in return: a signal of the scheduler's ends the wait when the world is to
// stop, and if there is no event for a while the next wait is one that the scheduler
// knows of.
func (l *loop) wait(events []unix.EpollEvent) int {
	timeout := l.timeout()
	if l.awake {
		n := epollWait(l.poll, events, brief(timeout))
		l.awake = n > 0 || timeout == 0
		return n
	}
	l.asleep.Store(timeout != 0)
	n, err := unix.EpollWait(l.poll, events, timeout)
	l.asleep.Store(false)
	if err != nil && !errors.Is(err, unix.EINTR) {
		// Only a broken invariant of ours can be the cause.
		panic(fmt.Sprintf("epoll_wait: %v", err))
	}
	l.awake = n > 0
	return max(n, 0)
}

// brief bounds a wait that the scheduler is not told of, to 10 ms. Its signals can
// be switched off (GODEBUG=asyncpreemptoff=1).
func brief(timeout int) int {
	const most = 10
	if timeout < 0 {
		return most
	}
	return min(timeout, most)
}

// timeout returns for how many milliseconds there is nothing to do but wait
// for events.
func (l *loop) timeout() int {
	switch {
	case len(l.resume)+len(l.tired)+len(l.turns) > 0:
		return 0
	case l.connections == 0 && l.paused == 0 && l.pipes.open == 0 && !l.state.Spares():
		return -1
	}
	ns := min(l.nextSweep, l.state.Wake()) - l.state.Now()
	return int(max(0, (ns+int64(time.Millisecond)-1)/int64(time.Millisecond)))
}

// epollWait returns zero when a signal comes, too.
func epollWait(poll int, events []unix.EpollEvent, timeout int) int {
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(poll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(timeout), 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}
