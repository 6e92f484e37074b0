package perf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// SystemCalls counts the system calls of threads and of those that they start.
type SystemCalls struct{ files []int }

// CountSystemCalls begins to count for all threads of some processes. tracing is
// where tracefs is mounted. The caller closes what it gets.
func CountSystemCalls(tracing string, pids []int) (*SystemCalls, error) {
	event, err := os.ReadFile(filepath.Join(tracing, "events/raw_syscalls/sys_enter/id"))
	if err != nil {
		return nil, fmt.Errorf("the event of system calls: %w", err)
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(event)), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the event of system calls: %w", err)
	}
	c := &SystemCalls{}
	for _, pid := range pids {
		if err := c.add(id, pid); err != nil {
			c.Close()
			return nil, fmt.Errorf("counting system calls of process %d: %w", pid, err)
		}
	}
	return c, nil
}

func (c *SystemCalls) add(event uint64, pid int) error {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return err
	}
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		if err != nil {
			return err
		}
		attributes := &unix.PerfEventAttr{
			Type: unix.PERF_TYPE_TRACEPOINT, Config: event, Size: unix.PERF_ATTR_SIZE_VER5, Bits: unix.PerfBitInherit,
		}
		file, err := unix.PerfEventOpen(attributes, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			return fmt.Errorf("perf_event_open: %w", err)
		}
		c.files = append(c.files, file)
	}
	return nil
}

// Read returns how many system calls there were so far.
func (c *SystemCalls) Read() (uint64, error) {
	var sum uint64
	var count [8]byte
	for _, file := range c.files {
		if n, err := unix.Read(file, count[:]); err != nil || n != len(count) {
			return 0, errors.Join(fmt.Errorf("read %d bytes of a count", n), err)
		}
		sum += binary.NativeEndian.Uint64(count[:])
	}
	return sum, nil
}

// Close ends the counting.
func (c *SystemCalls) Close() {
	for _, file := range c.files {
		// Nothing is lost with a count that has been read.
		_ = unix.Close(file)
	}
	c.files = nil
}
