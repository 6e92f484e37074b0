package collect

import (
	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

// mostAttempts is how many routes, codes and results together are told apart for
// each backend.
const mostAttempts = 5

// attempt is a way for requests to a backend to end.
type attempt struct {
	route, code, result string
}

// folded keeps of an attempt the result alone.
func (a attempt) folded() attempt { return attempt{other, other, a.result} }

// reached is what was counted of a backend's requests and connections, or of those
// of all backends without a name. It implements tally.
type reached struct {
	named     bool
	attempts  map[attempt]uint64
	durations [probe.Classes]probe.Durations
	flow      flow
}

func newReached(named bool) *reached { return &reached{named: named, attempts: map[attempt]uint64{}} }

// leastReached is what the first request to a backend takes.
var leastReached = (&reached{}).series() + 1 + requestBounds.series()

func (r *reached) empty() bool { return len(r.attempts) == 0 && r.flow.empty() }

func (r *reached) series() int {
	n := len(r.attempts) + r.flow.series()
	for i := range r.durations {
		if r.durations[i].Count() > 0 {
			n += requestBounds.series()
		}
	}
	return n
}

func (r *reached) attempt(a attempt, n uint64) {
	most := 0
	if r.named {
		most = mostAttempts
	}
	bump(r.attempts, a, n, most, attempt.folded)
}

// cell counts what has been added to the durations of a cell.
func (r *reached) cell(added []figure) {
	eachClass(added, func(class probe.Class, d durationsAt) { d.addTo(&r.durations[class]) })
}

// merge implements tally.
func (r *reached) merge(o *reached) {
	for a, n := range o.attempts {
		r.attempt(a, n)
	}
	for class := range probe.Classes {
		r.durations[class].Merge(&o.durations[class])
	}
	r.flow.merge(&o.flow)
}

// tell writes the metrics of a backend.
func (r *reached) tell(out *scrape, backend string) {
	for a, n := range r.attempts {
		out.counter(upstreamRequests, n, a.route, backend, a.code, a.result)
	}
	for class := range probe.Classes {
		if d := &r.durations[class]; d.Count() > 0 {
			out.histogram(upstreamDuration, requestBounds, d, backend, class.String())
		}
	}
	if r.flow.empty() {
		return
	}
	r.flow.tell(out, ends{side: bpf.L4SideSIDE_UPSTREAM, backend: backend})
	out.histogram(connectDuration, connectionBounds, &r.flow.wait, backend)
	for reason, n := range r.flow.failed {
		if n > 0 {
			out.counter(connectFailures, n, backend, failureNames[reason])
		}
	}
}

// resultName tells the gravest thing that the flags say.
func resultName(f probe.Flags) string {
	switch {
	case f&probe.FlagTimeout != 0:
		return "timeout"
	case f&probe.FlagUpstreamFailed != 0:
		return "connect_failure"
	case f&probe.FlagUpstreamReset != 0:
		return "reset"
	case f&probe.FlagRetried != 0:
		return "retry"
	}
	return "ok"
}
