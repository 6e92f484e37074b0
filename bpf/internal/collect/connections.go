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

// flow is what was counted of connections, as bpf.L4Flow has it.
type flow struct {
	opened                               uint64
	closed                               [len(closeNames)]uint64
	failed                               [len(failureNames)]uint64
	received, transmitted, retransmitted uint64
	wait, rtt                            probe.Durations
}

func (f *flow) add(o *bpf.L4Flow) {
	f.opened += o.Opened
	for i, n := range o.Closed {
		f.closed[i] += n
	}
	for i, n := range o.Failed {
		f.failed[i] += n
	}
	f.received += o.Received
	f.transmitted += o.Transmitted
	f.retransmitted += o.Retransmitted
	f.wait.Merge(&probe.Durations{Sum: o.Wait.Sum, Bucket: o.Wait.Bucket})
	f.rtt.Merge(&probe.Durations{Sum: o.Rtt.Sum, Bucket: o.Rtt.Bucket})
}

// flows is the flows of one side, summed up: all of them, and by the label
// that the side has.
type flows struct {
	all    flow
	labels map[string]*flow
}

func (f *flows) add(label string, o *bpf.L4Flow) {
	if o.Opened == 0 && o.Failed == [len(failureNames)]uint64{} && o.Retransmitted == 0 {
		return // made in advance, or waiting for the first answer
	}
	f.all.add(o)
	if f.labels[label] == nil {
		f.labels[label] = &flow{}
	}
	f.labels[label].add(o)
}

func (s *scrape) connections(from Connections) error {
	downstream, upstream := flows{labels: map[string]*flow{}}, flows{labels: map[string]*flow{}}
	err := from.Flows(func(key bpf.L4FlowKey, o *bpf.L4Flow) {
		if key.Side == uint32(bpf.L4SideSIDE_UPSTREAM) {
			upstream.add(s.directory.backend(key.Id), o)
		} else {
			downstream.add(s.directory.port(key.Id), o)
		}
	})
	s.side(sideNames[bpf.L4SideSIDE_DOWNSTREAM], &downstream.all)
	s.counter(retransmitted, downstream.all.retransmitted, sideNames[bpf.L4SideSIDE_DOWNSTREAM], "")
	for listener, f := range downstream.labels {
		s.out <- newHistogram(acceptWait, connectionBounds, &f.wait, listener)
	}
	s.side(sideNames[bpf.L4SideSIDE_UPSTREAM], &upstream.all)
	for backend, f := range upstream.labels {
		s.backend(backend, f)
	}
	lost, overflowErr := from.Overflow()
	if overflowErr != nil {
		return overflowErr
	}
	s.counter(seriesOverflow, lost, "flows")
	return err
}

// side tells what is told of both sides alike.
func (s *scrape) side(side string, f *flow) {
	s.counter(opened, f.opened, side)
	var ended uint64
	for reason, n := range f.closed {
		// A reset of which it is not known who sent it is told only where
		// that cannot be known.
		if n > 0 || reason != int(bpf.L4CloseReasonCLOSE_RESET) {
			s.counter(closed, n, side, closeNames[reason])
		}
		ended += n
	}
	// A connection may open or end while the numbers are read.
	s.gauge(connections, float64(max(f.opened, ended)-ended), side)
	s.counter(resetsReceived, f.closed[bpf.L4CloseReasonCLOSE_RESET_RECEIVED], side)
	s.counter(resetsSent, f.closed[bpf.L4CloseReasonCLOSE_RESET_SENT], side)
	s.counter(receivedBytes, f.received, side)
	s.counter(transmittedBytes, f.transmitted, side)
	s.out <- newHistogram(smoothedRTT, connectionBounds, &f.rtt, side)
}

func (s *scrape) backend(backend string, f *flow) {
	s.out <- newHistogram(connectDuration, connectionBounds, &f.wait, backend)
	s.counter(retransmitted, f.retransmitted, sideNames[bpf.L4SideSIDE_UPSTREAM], backend)
	for reason, n := range f.failed {
		if n > 0 {
			s.counter(connectFailures, n, backend, failureNames[reason])
		}
	}
}
