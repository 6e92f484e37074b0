package collect

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/procnet"
	"github.com/fleetgate/fleetgate/bpf/internal/sockdiag"
)

// Requests is where requests were counted.
type Requests interface {
	Outcomes(fn func(probe.Outcome, uint64)) error
	// Series calls fn for the series among ids that have counted something, and
	// Backends for the backends. They may call it for others, too. The cell is
	// valid only during the call.
	Series(ids []uint32, fn func(id uint32, c *probe.Cell)) error
	Backends(ids []uint32, fn func(id uint32, c *probe.Cell)) error
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
	// Unsettled is not zero where Connections has the bytes of connections only when
	// they have ended, so that those of open ones are taken from their sockets. It
	// then says which counting it is: connections from before are not in it.
	Unsettled uint64
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
	// MaxSeries is the most that a scrape may have; DefaultMaxSeries when zero.
	MaxSeries int
	// Now is time.Now where it is nil.
	Now func() time.Time
}

// DefaultMaxSeries is what a scrape has at most when nothing else is asked for: of
// the 500 of a pod, the proxy beside has the others.
const DefaultMaxSeries = 300

// fixedSeries are those of the sensor itself and of each side: the information, six
// hooks, what was dropped, four maps that may be full, and the listeners' overflows.
var fixedSeries = 1 + 6 + 1 + 4 + 1 + len(sideNames)*sideSeries

// Collector is a prometheus.Collector of all the sensor's metrics. It has to be told
// of everything that changes what identifiers stand for. It is safe for concurrent
// use.
type Collector struct {
	options Options

	// mu guards the ledger, and the directory together with it.
	mu     sync.Mutex
	ledger *ledger
}

// New returns a Collector.
func New(o Options) *Collector {
	if o.MaxSeries == 0 {
		o.MaxSeries = DefaultMaxSeries
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Collector{options: o, ledger: newLedger(o.Directory, o.MaxSeries-fixedSeries)}
}

// Replace takes the proxy's tables. The numbers of what now stands for something else
// are cleared by erase; what was counted of it is not lost.
func (c *Collector) Replace(state State, t *probe.Tables, erase func(Gone) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.options.Directory.stale(t) {
		_, err = c.ledger.look(&state, nil, c.options.Now())
	}
	gone := c.options.Directory.Replace(t, c.options.Now())
	c.ledger.listeners.keep(c.options.Directory.listens)
	return errors.Join(err, c.forget(gone, erase))
}

// Amend takes what has changed in the proxy's tables, as Replace takes all of them.
func (c *Collector) Amend(state State, a *probe.Amendment, erase func(Gone) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.options.Directory.stale(&a.Tables) {
		_, err = c.ledger.look(&state, nil, c.options.Now())
	}
	gone := c.options.Directory.Amend(a, c.options.Now())
	c.ledger.listeners.keep(c.options.Directory.listens)
	return errors.Join(err, c.forget(gone, erase))
}

// Attached has to be called as soon as connections are counted and the flows are not
// settled: what is open at the first look is taken for older.
func (c *Collector) Attached(state State) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.ledger.look(&state, c.options.Sockets, c.options.Now())
	return err
}

// Expire forgets what the proxy has removed a while ago, as Replace does.
func (c *Collector) Expire(state State, erase func(Gone) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.options.Now()
	if !c.options.Directory.due(now) {
		return nil
	}
	_, err := c.ledger.look(&state, nil, now)
	return errors.Join(err, c.forget(c.options.Directory.Expire(now), erase))
}

func (c *Collector) forget(gone Gone, erase func(Gone) error) error {
	if gone.Empty() {
		return nil
	}
	err := erase(gone)
	c.ledger.forget(gone)
	return err
}

// Reset forgets everything, and has erase clear all numbers: another process gives
// identifiers anew.
func (c *Collector) Reset(erase func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.options.Directory.Reset()
	c.ledger.clear()
	return erase()
}

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
	c.mu.Lock()
	defer c.mu.Unlock()
	s := scrape{out}
	open, err := c.ledger.look(&state, c.options.Sockets, c.options.Now())
	// That a kernel does not tell of its sockets is shown, and no error.
	state.Hooks = append(state.Hooks, Hook{"sock_diag", open.told})
	s.sensor(state, c.options)
	c.ledger.tell(&s)
	c.ledger.tellSockets(&s, open, state.Connections != nil)
	err = errors.Join(err, s.lost(&state))
	kernel, kernelErr := c.options.Kernel()
	if kernelErr == nil {
		s.counter(listenOverflows, kernel.ListenOverflows)
	}
	if state.Connections == nil && kernelErr == nil {
		s.kernel(kernel, !open.told)
	}
	if err = errors.Join(err, kernelErr); err != nil {
		out <- prometheus.NewInvalidMetric(sensorInfo, err)
	}
}

// scrape is one collection under way.
type scrape struct {
	out chan<- prometheus.Metric
}

func (s *scrape) counter(d *prometheus.Desc, n uint64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

// seconds is a counter of a time in nanoseconds.
func (s *scrape) seconds(d *prometheus.Desc, nanoseconds uint64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(nanoseconds)/1e9, labels...)
}

func (s *scrape) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// histogram tells durations as they are now.
func (s *scrape) histogram(d *prometheus.Desc, b bounds, durations *probe.Durations, labels ...string) {
	now := *durations
	s.out <- newHistogram(d, b, &now, labels...)
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

// overflowMaps are the maps of requests that can be full.
var overflowMaps = map[probe.Counter]string{
	probe.CounterSeriesOverflow:  "series",
	probe.CounterBackendOverflow: "backends",
	probe.CounterOutcomeOverflow: "outcomes",
}

// lost tells what was not counted, or not under its name.
func (s *scrape) lost(state *State) error {
	var errs []error
	read := func(d *prometheus.Desc, n uint64, err error, labels ...string) {
		if errs = append(errs, err); err == nil {
			s.counter(d, n, labels...)
		}
	}
	if from := state.Requests; from != nil {
		n, err := from.Counter(probe.CounterRefused)
		read(droppedRecords, n, err)
		for counter, name := range overflowMaps {
			n, err := from.Counter(counter)
			read(seriesOverflow, n, err, name)
		}
	}
	if from := state.Connections; from != nil {
		n, err := from.Overflow()
		read(seriesOverflow, n, err, "flows")
	}
	return errors.Join(errs...)
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
	s.counter(resetsSent, k.OutRsts, both)
}
