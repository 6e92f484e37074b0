package main

import "time"

// sample is what one round says of one engine. Times are in microseconds.
type sample struct {
	// cpu is the proxy's CPU time per request, or in seconds per GB.
	cpu float64
	// machine is the CPU time of proxy, source and sink together, in seconds per
	// GB.
	machine float64
	// rate is in requests or GB per second.
	rate                 float64
	p50, p99, p999, late float64
	errors               int
	// bytes is the memory of one connection.
	bytes float64
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
	// counted says that a round of its own finds it.
	counted bool
	of      func(sample) float64
}

var (
	cpuPerRequest  = figure{digits: 1, of: func(s sample) float64 { return s.cpu }}
	proxyPerGB     = figure{digits: 3, of: func(s sample) float64 { return s.cpu }}
	machinePerGB   = figure{digits: 3, of: func(s sample) float64 { return s.machine }}
	requestRate    = figure{of: func(s sample) float64 { return s.rate }}
	byteRate       = figure{digits: 2, of: func(s sample) float64 { return s.rate }}
	median         = figure{name: "p50", of: func(s sample) float64 { return s.p50 }}
	p99            = figure{name: "p99", of: func(s sample) float64 { return s.p99 }}
	p999           = figure{name: "p99.9", of: func(s sample) float64 { return s.p999 }}
	lateness       = figure{of: func(s sample) float64 { return s.late }}
	connectionSize = figure{unit: "bytes", of: func(s sample) float64 { return s.bytes }}
	systemCalls    = figure{name: "system calls", unit: "per request", digits: 2, counted: true, of: func(s sample) float64 { return s.systemCalls }}
	allocations    = figure{name: "allocations", unit: "per request", digits: 2, counted: true, of: func(s sample) float64 { return s.allocations }}
	kernelShare    = figure{digits: 2, counted: true, of: func(s sample) float64 { return s.kernel }}
)

// gigabyte is 10^9 bytes.
const gigabyte = 1e9

// sample says what a load cost the proxy.
func (l loaded) sample(cpu time.Duration) sample {
	s := sample{p50: l.p50, p99: l.p99, p999: l.p999, late: l.late, errors: l.errors}
	if l.bytes > 0 {
		s.cpu = cpu.Seconds() / l.units()
		s.machine = (cpu + l.ends).Seconds() / l.units()
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
	timed, counted results
	// profiles say where Fleetgate spent its CPU time, by workload.
	profiles map[string][]profileLine
	// absent says which engines could not take part in what, and why.
	absent []string
}

func newFindings() *findings {
	return &findings{timed: results{}, counted: results{}, profiles: map[string][]profileLine{}}
}

// of are the results that have a figure.
func (f *findings) of(g figure) results {
	if g.counted {
		return f.counted
	}
	return f.timed
}
