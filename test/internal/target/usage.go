package target

import (
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// Usage is what the proxy's process takes of the machine.
type Usage struct {
	// RSS is its resident memory in bytes.
	RSS int
	// CPU is the time that it has spent on a CPU.
	CPU time.Duration
}

// Usage reads it; that the proxy has died is an error. It is safe for
// concurrent use.
func (p *Proxy) Usage() (Usage, error) {
	proc, err := procfs.NewProc(p.pid)
	if err != nil {
		return Usage{}, err
	}
	stat, err := proc.Stat()
	if err != nil {
		return Usage{}, err
	}
	cpu, err := cpuTime(p.pid)
	return Usage{RSS: stat.ResidentMemory(), CPU: cpu}, err
}

// cpuTime is what a process has spent on a CPU, to the nanosecond, where procfs
// tells it to the tick. Its clock is named by the complement of its number, and the
// scheduler's own count (clock_getcpuclockid(3)).
func cpuTime(pid int) (time.Duration, error) {
	const scheduler = 2
	var ts unix.Timespec
	err := unix.ClockGettime(int32(^pid<<3|scheduler), &ts)
	return time.Duration(ts.Nano()), err
}
