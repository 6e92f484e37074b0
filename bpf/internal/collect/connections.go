package collect

import (
	"errors"

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
	wait, rtt, lifetime                  probe.Durations
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
	f.lifetime.Merge(&probe.Durations{Sum: o.Lifetime.Sum, Bucket: o.Lifetime.Bucket})
}

// ends is what connections are told apart by: clients' by the listener, those
// to backends by the backend. The other one is empty.
type ends struct {
	side              bpf.L4Side
	listener, backend string
}

func (e ends) labels() []string { return []string{sideNames[e.side], e.listener, e.backend} }

func (s *scrape) endsOf(key bpf.L4FlowKey) ends {
	if key.Side == uint32(bpf.L4SideSIDE_UPSTREAM) {
		return ends{side: bpf.L4SideSIDE_UPSTREAM, backend: s.directory.backend(key.Id)}
	}
	return ends{side: bpf.L4SideSIDE_DOWNSTREAM, listener: s.directory.port(key.Id)}
}

// flows sums up what has the same labels.
func (s *scrape) flows(from Connections) (map[ends]*flow, error) {
	flows := map[ends]*flow{}
	err := from.Flows(func(key bpf.L4FlowKey, o *bpf.L4Flow) {
		if o.Opened == 0 && o.Failed == [len(failureNames)]uint64{} && o.Retransmitted == 0 {
			return // made in advance, or waiting for the first answer
		}
		e := s.endsOf(key)
		if flows[e] == nil {
			flows[e] = &flow{}
		}
		flows[e].add(o)
	})
	return flows, err
}

func (s *scrape) connections(from Connections) error {
	settleErr := from.Settle()
	flows, err := s.flows(from)
	if err != nil {
		// A part of them would look as if connections had been lost.
		return errors.Join(err, settleErr)
	}
	for e, f := range flows {
		s.flow(e, f)
		if e.side == bpf.L4SideSIDE_UPSTREAM {
			s.connects(e.backend, f)
		} else {
			s.out <- newHistogram(acceptWait, connectionBounds, &f.wait, e.listener)
		}
	}
	lost, overflowErr := from.Overflow()
	if overflowErr != nil {
		return overflowErr
	}
	s.counter(seriesOverflow, lost, "flows")
	return settleErr
}

// flow tells what is told of both sides alike.
func (s *scrape) flow(e ends, f *flow) {
	labels := e.labels()
	s.counter(opened, f.opened, labels...)
	var ended uint64
	for reason, n := range f.closed {
		// Most ways to end are rare, and a series each.
		if n > 0 || reason == int(bpf.L4CloseReasonCLOSE_FIN) {
			s.counter(closed, n, append(labels, closeNames[reason])...)
		}
		ended += n
	}
	// A connection may open or end while the numbers are read.
	s.gauge(connections, float64(max(f.opened, ended)-ended), labels...)
	s.counter(resetsReceived, f.closed[bpf.L4CloseReasonCLOSE_RESET_RECEIVED], labels...)
	s.counter(resetsSent, f.closed[bpf.L4CloseReasonCLOSE_RESET_SENT], labels...)
	s.counter(retransmitted, f.retransmitted, labels...)
	s.counter(receivedBytes, f.received, labels...)
	s.counter(transmittedBytes, f.transmitted, labels...)
	s.out <- newHistogram(smoothedRTT, rttBounds, &f.rtt, labels...)
	s.out <- newHistogram(lifetime, lifetimeBounds, &f.lifetime, labels...)
}

// connects tells how connections to a backend came to be.
func (s *scrape) connects(backend string, f *flow) {
	s.out <- newHistogram(connectDuration, connectionBounds, &f.wait, backend)
	for reason, n := range f.failed {
		if n > 0 {
			s.counter(connectFailures, n, backend, failureNames[reason])
		}
	}
}
