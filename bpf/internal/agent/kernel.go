package agent

import (
	"os"
	"runtime/debug"
	"sync"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/load"
	"github.com/fleetgate/fleetgate/bpf/internal/node"
)

// Programs count the connections of one cgroup. They are detached and gone when
// they are closed.
type Programs interface {
	Flows(fn func(bpf.L4FlowKey, *bpf.L4Flow)) error
	Overflow() (uint64, error)
	SetEndpoints([]probe.Endpoint) error
	Clear(backend func(id uint32) bool) error
	Basic() bool
	OptionsAttached() bool
	FactsAttached() bool
	Close() error
}

// Kernel loads programs and attaches them. It is safe for concurrent use.
type Kernel interface {
	Attach(cgroup *os.File) (Programs, error)
}

// kernel is the one that the process runs on.
type kernel struct{ mu sync.Mutex }

// NewKernel returns the Kernel that the process runs on.
func NewKernel() Kernel { return &kernel{} }

// Attach implements Kernel. It loads for one at a time, as loading takes more
// memory than everything else.
func (k *kernel) Attach(cgroup *os.File) (Programs, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer debug.FreeOSMemory()
	l4, err := load.LoadL4With(load.L4Options{
		Flows: node.MaxFlows, Endpoints: node.MaxEndpoints, Elsewhere: true,
	})
	if err != nil {
		return nil, err
	}
	if err := l4.Attach(cgroup); err != nil {
		l4.Close()
		return nil, err
	}
	return l4, nil
}
