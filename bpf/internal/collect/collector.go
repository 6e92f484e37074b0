package collect

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/procnet"
	"github.com/fleetgate/fleetgate/bpf/internal/sockdiag"
)

// Requests is where requests were counted.
type Requests interface {
	Outcomes(fn func(probe.Outcome, uint64)) error
	Series(fn func(id uint32, c *probe.Cell)) error
	Backends(fn func(id uint32, c *probe.Cell)) error
	Counter(probe.Counter) (uint64, error)
}

// Connections is where connections were counted.
type Connections interface {
	// Settle brings the flows up to date with connections that are open.
	Settle() error
	Flows(fn func(bpf.L4FlowKey, *bpf.L4Flow)) error
	Overflow() (uint64, error)
}

// Hook is a place in the kernel that a program is attached to, or should be.
type Hook struct {
	Name     string
	Attached bool
}

// State is how the sensor counts at the moment.
type State struct {
	L7Mode, L4Mode string
	Hooks          []Hook
	// Requests is nil while no proxy has greeted.
	Requests Requests
	// Connections is nil when no program is attached: then the kernel's own
	// counters stand in.
	Connections Connections
}

// Options are what a Collector needs.
type Options struct {
	Directory *Directory
	// State is asked for at each scrape.
	State func() State
	// Kernel counters are read at each scrape.
	Kernel func() (procnet.Counters, error)
	// Sockets calls a function for each of the network namespace's sockets, at
	// each scrape; nil tells of none.
	Sockets func(func(*sockdiag.Socket)) error
	// Release is that of the kernel, Version that of the sensor.
	Release, Version string
}

// Collector is a prometheus.Collector of all the sensor's metrics.
type Collector struct {
	options Options
}

// New returns a Collector.
func New(o Options) *Collector { return &Collector{o} }

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		out <- d
	}
}

// Collect implements prometheus.Collector. What cannot be read is an error of
// the scrape; the rest is told nevertheless.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	state := c.options.State()
	s := scrape{directory: c.options.Directory, out: out}
	// That a kernel does not tell of its sockets is shown, and no error.
	looked := s.sockets(c.options.Sockets, state.Connections != nil)
	state.Hooks = append(state.Hooks, Hook{"sock_diag", c.options.Sockets != nil && looked == nil})
	s.sensor(state, c.options)
	var err error
	if state.Requests != nil {
		err = s.requests(state.Requests)
	}
	kernel, kernelErr := c.options.Kernel()
	if kernelErr == nil {
		s.counter(listenOverflows, kernel.ListenOverflows)
	}
	if state.Connections != nil {
		err = errors.Join(err, s.connections(state.Connections))
	} else if kernelErr == nil {
		s.kernel(kernel, looked != nil || c.options.Sockets == nil)
	}
	if err = errors.Join(err, kernelErr); err != nil {
		out <- prometheus.NewInvalidMetric(sensorInfo, err)
	}
}

// scrape is one collection under way.
type scrape struct {
	directory *Directory
	out       chan<- prometheus.Metric
}

func (s *scrape) counter(d *prometheus.Desc, n uint64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func (s *scrape) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (s *scrape) sensor(state State, o Options) {
	s.gauge(sensorInfo, 1, state.L7Mode, state.L4Mode, o.Release, o.Version)
	for _, h := range state.Hooks {
		attached := 0.0
		if h.Attached {
			attached = 1
		}
		s.gauge(hookAttached, attached, h.Name)
	}
}

// kernel tells what can be had of connections without a program. All of the open
// ones together are for where nothing tells them apart.
func (s *scrape) kernel(k procnet.Counters, together bool) {
	const both = "all"
	s.counter(opened, k.ActiveOpens, sideNames[bpf.L4SideSIDE_UPSTREAM], "", "")
	s.counter(opened, k.PassiveOpens, sideNames[bpf.L4SideSIDE_DOWNSTREAM], "", "")
	if together {
		s.gauge(connections, float64(k.CurrEstab), both, "", "")
	}
	s.counter(connectFailures, k.AttemptFails, other, other)
	s.counter(retransmitted, k.RetransSegs, both, "", "")
	s.counter(resetsSent, k.OutRsts, both, "", "")
}
