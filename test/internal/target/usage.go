package target

import (
	"time"

	"github.com/prometheus/procfs"
)

// Usage is what the proxy's process takes of the machine.
type Usage struct {
	// RSS is its resident memory in bytes.
	RSS int
	// CPU is the time that it has spent on a CPU, to the kernel's tick.
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
	return Usage{RSS: stat.ResidentMemory(), CPU: time.Duration(stat.CPUTime() * float64(time.Second))}, nil
}
