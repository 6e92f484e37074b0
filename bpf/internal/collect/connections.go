package collect

import (
	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

var sideNames = [...]string{
	bpf.L4SideSIDE_DOWNSTREAM: "downstream",
	bpf.L4SideSIDE_UPSTREAM:   "upstream",
}

var closeNames = [bpf.L4CloseReasonCLOSE_REASONS]string{
	bpf.L4CloseReasonCLOSE_FIN:            "fin",
	bpf.L4CloseReasonCLOSE_RESET_RECEIVED: "reset_received",
	bpf.L4CloseReasonCLOSE_RESET_SENT:     "reset_sent",
	bpf.L4CloseReasonCLOSE_TIMEOUT:        "timeout",
	bpf.L4CloseReasonCLOSE_RESET:          "reset",
}

var failureNames = [bpf.L4FailureReasonFAILURE_REASONS]string{
	bpf.L4FailureReasonFAILURE_REFUSED:     "refused",
	bpf.L4FailureReasonFAILURE_TIMEOUT:     "timeout",
	bpf.L4FailureReasonFAILURE_UNREACHABLE: "unreachable",
	bpf.L4FailureReasonFAILURE_OTHER:       other,
}

// ends is what connections are told apart by: clients' by the listener, those
// to backends by the backend. The other one is empty.
type ends struct {
	side              bpf.L4Side
	listener, backend string
}

func (e ends) labels() []string { return []string{sideNames[e.side], e.listener, e.backend} }

// flow is what was counted of connections with one listener, or one backend.
type flow struct {
	opened                               uint64
	closed                               [len(closeNames)]uint64
	failed                               [len(failureNames)]uint64
	received, transmitted, retransmitted uint64
	// lasted is how long those that have ended were established, in nanoseconds.
	lasted uint64
	wait   probe.Durations
}

func (f *flow) empty() bool {
	return f.opened == 0 && f.failed == [len(failureNames)]uint64{} && f.retransmitted == 0
}

// flowCounters are opened, ended in good order, open, how long those that ended lasted,
// received, transmitted and retransmitted; a gauge each are what is sent again, and the
// mean and the greatest round-trip time; the queue has two.
const flowCounters, flowGauges, queueGauges = 7, 3, 2

func (f *flow) series() int {
	n := flowCounters + flowGauges + queueGauges + connectionBounds.series()
	for reason, ended := range f.closed {
		if ended > 0 && reason != int(bpf.L4CloseReasonCLOSE_FIN) {
			n++
		}
	}
	for _, failed := range f.failed {
		if failed > 0 {
			n++
		}
	}
	return n
}

// placeOpened is that of the first counter of a flow.
const placeOpened = 0

// recordOf returns the record that has these figures alone.
func recordOf(figures []figure) (f bpf.L4Flow) {
	w := words(&f)
	for _, of := range figures {
		w[of.place] = of.n
	}
	return f
}

// flowOf returns what the kernel has counted.
func flowOf(o *bpf.L4Flow) *flow {
	return &flow{
		opened: o.Opened, closed: o.Closed, failed: o.Failed,
		received: o.Received, transmitted: o.Transmitted, retransmitted: o.Retransmitted,
		lasted: o.Lifetime.Sum,
		wait:   probe.Durations{Sum: o.Wait.Sum, Bucket: o.Wait.Bucket},
	}
}

func (f *flow) merge(o *flow) {
	f.opened += o.opened
	for i, n := range o.closed {
		f.closed[i] += n
	}
	for i, n := range o.failed {
		f.failed[i] += n
	}
	f.received += o.received
	f.transmitted += o.transmitted
	f.retransmitted += o.retransmitted
	f.lasted += o.lasted
	f.wait.Merge(&o.wait)
}

// tell writes what is told of both sides alike.
func (f *flow) tell(out *scrape, e ends) {
	labels := e.labels()
	out.counter(opened, f.opened, labels...)
	for reason, n := range f.closed {
		// Most ways to end are rare, and a series each.
		if n > 0 || reason == int(bpf.L4CloseReasonCLOSE_FIN) {
			out.counter(closed, n, append(labels, closeNames[reason])...)
		}
	}
	out.seconds(lasted, f.lasted, labels...)
	out.counter(retransmitted, f.retransmitted, labels...)
	out.counter(receivedBytes, f.received, labels...)
	out.counter(transmittedBytes, f.transmitted, labels...)
}

// side is what is told of all connections of a side together.
type side struct {
	counted       bool
	rtt, lifetime probe.Durations
	closed        [len(closeNames)]uint64
}

// sideSeries are those of one side: two histograms, and resets by who sent them.
var sideSeries = rttBounds.series() + lifetimeBounds.series() + 2

func (d *side) count(o *bpf.L4Flow) {
	d.counted = true
	d.rtt.Merge(&probe.Durations{Sum: o.Rtt.Sum, Bucket: o.Rtt.Bucket})
	d.lifetime.Merge(&probe.Durations{Sum: o.Lifetime.Sum, Bucket: o.Lifetime.Bucket})
	for i, n := range o.Closed {
		d.closed[i] += n
	}
}

func (d *side) tell(out *scrape, name string) {
	out.histogram(smoothedRTT, rttBounds, &d.rtt, name)
	out.histogram(lifetime, lifetimeBounds, &d.lifetime, name)
	out.counter(resetsReceived, d.closed[bpf.L4CloseReasonCLOSE_RESET_RECEIVED], name)
	out.counter(resetsSent, d.closed[bpf.L4CloseReasonCLOSE_RESET_SENT], name)
}
