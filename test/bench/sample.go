package main

import "time"

// sample is what one round says of one engine. Times are in microseconds.
type sample struct {
	// cpu is the proxy's CPU time per request, or in seconds per GB.
	cpu float64
	// machine is the CPU time of proxy, source and sink together, in seconds per
	// GB. Turns alone tell of it.
	machine float64
	// rate is in requests or GB per second.
	rate                 float64
	p50, p99, p999, late float64
	errors               int
	// bytes is the memory of one connection.
	bytes float64
	// units are the requests that were counted, or GB, or connections.
	units float64
	// What a counted round adds: per request, or per GB; kernel is the share of
	// the CPU time that was spent there.
	systemCalls, allocations, kernel float64
}

// figure is one of a sample's numbers, as bars and tables show it.
type figure struct {
	// name tells it apart from the figure that a workload is about; that has none.
	name string
	// unit follows a bound that is no ratio.
	unit   string
	digits int
	// kind of round that finds it.
	kind
	of func(sample) float64
	// grain is the least by which two samples have to differ to be told apart, beyond
	// the noise that rounds show; nil where noise is all there is.
	grain func(sample) float64
}

const (
	// garbage is by how much what a program in Go has freed and still holds differs from
	// one moment to another, in bytes.
	garbage = 1 << 20
	// waits is by how much a request's share in waiting for more, which is a system call,
	// differs from one time to another: who is asked faster waits less.
	waits = 0.02
)

// kind is how a round loads proxies.
type kind int

const (
	// steady rounds load one proxy for all of their time.
	steady kind = iota
	// turned rounds load all proxies in turns.
	turned
	// counted rounds are steady ones with counters attached.
	counted
)

var (
	cpuPerRequest  = figure{digits: 1, kind: turned, of: func(s sample) float64 { return s.cpu }}
	pacedCPU       = figure{digits: 1, of: func(s sample) float64 { return s.cpu }}
	proxyPerGB     = figure{digits: 3, kind: turned, of: func(s sample) float64 { return s.cpu }}
	machinePerGB   = figure{digits: 3, kind: turned, of: func(s sample) float64 { return s.machine }}
	requestRate    = figure{of: func(s sample) float64 { return s.rate }}
	byteRate       = figure{digits: 2, of: func(s sample) float64 { return s.rate }}
	median         = figure{name: "p50", of: func(s sample) float64 { return s.p50 }}
	p99            = figure{name: "p99", of: func(s sample) float64 { return s.p99 }}
	p999           = figure{name: "p99.9", of: func(s sample) float64 { return s.p999 }}
	lateness       = figure{of: func(s sample) float64 { return s.late }}
	connectionSize = figure{unit: "bytes", of: func(s sample) float64 { return s.bytes },
		grain: func(s sample) float64 { return garbage / s.units }}
	systemCalls = figure{name: "system calls", unit: "per request", digits: 2, kind: counted, of: func(s sample) float64 { return s.systemCalls },
		grain: func(sample) float64 { return waits }}
	allocations = figure{name: "allocations", unit: "per request", digits: 2, kind: counted, of: func(s sample) float64 { return s.allocations },
		grain: func(s sample) float64 { return objectsGrain / s.units }}
	kernelShare = figure{digits: 2, kind: counted, of: func(s sample) float64 { return s.kernel }}
)

// gigabyte is 10^9 bytes.
const gigabyte = 1e9

// sample says what a load cost the proxy.
func (l loaded) sample(cpu time.Duration) sample {
	s := sample{p50: l.p50, p99: l.p99, p999: l.p999, late: l.late, errors: l.errors}
	if l.bytes > 0 {
		s.cpu = cpu.Seconds() / l.units()
	} else {
		s.cpu = float64(cpu) / float64(time.Microsecond) / l.units()
	}
	s.rate = l.units() / l.duration.Seconds()
	return s
}

// units are requests or GB.
func (l loaded) units() float64 {
	if l.bytes > 0 {
		return float64(l.bytes) / gigabyte
	}
	return float64(l.requests)
}

// results has the samples of all rounds by workload and engine.
type results map[string]map[string][]sample

func (r results) add(workload, engine string, s sample) {
	if r[workload] == nil {
		r[workload] = map[string][]sample{}
	}
	r[workload][engine] = append(r[workload][engine], s)
}

// findings are all that a run found.
type findings struct {
	rounds map[kind]results
	// profiles say where Fleetgate spent its CPU time, by workload.
	profiles map[string][]profileLine
	// absent says which engines could not take part in what, and why.
	absent []string
}

func newFindings() *findings {
	return &findings{rounds: map[kind]results{steady: {}, turned: {}, counted: {}}, profiles: map[string][]profileLine{}}
}

// of are the results that have a figure.
func (f *findings) of(g figure) results { return f.rounds[g.kind] }

// forget leaves out what an engine did in a workload.
func (f *findings) forget(workload, engine string) {
	for _, all := range f.rounds {
		delete(all[workload], engine)
	}
}
