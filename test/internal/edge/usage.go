package edge

import (
	"time"

	"github.com/prometheus/procfs"
)

// Usage is what a process uses of the machine at one moment.
type Usage struct {
	// RssAnon is its anonymous memory in bytes.
	RssAnon uint64
	// Descriptors is how many files it has open.
	Descriptors int
	// CPU is the time that its living threads have spent on a CPU.
	CPU time.Duration
}

// Usage reads what the proxy uses.
func (p *Proxy) Usage() Usage {
	p.t.Helper()
	u, err := usageOf(p.PID())
	if err != nil {
		p.t.Fatalf("usage of the proxy: %v", err)
	}
	return u
}

func usageOf(pid int) (u Usage, err error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return u, err
	}
	status, err := proc.NewStatus()
	if err != nil {
		return u, err
	}
	u.RssAnon = status.RssAnon
	if u.Descriptors, err = proc.FileDescriptorsLen(); err != nil {
		return u, err
	}
	u.CPU, err = cpuOf(pid)
	return u, err
}

// cpuOf adds up the threads' times: a process's own schedstat is that of its
// first thread.
func cpuOf(pid int) (time.Duration, error) {
	threads, err := procfs.AllThreads(pid)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, thread := range threads {
		stat, err := thread.Schedstat()
		if err != nil {
			return 0, err
		}
		sum += time.Duration(stat.RunningNanoseconds)
	}
	return sum, nil
}
