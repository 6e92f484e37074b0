package collect

import (
	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

// handshakeNames are the ways for TLS handshakes to fail.
var handshakeNames = [...]string{
	probe.HandshakeTimeout: "timeout",
	probe.HandshakeLeft:    "client_left",
	probe.HandshakeAlert:   "client_alert",
	probe.HandshakeRefused: "refused",
}

// entered is what was counted of the connections of a listener's clients, and of
// their TLS handshakes; or of those of all listeners without a name. It implements
// tally.
type entered struct {
	flow   flow
	made   probe.Durations
	failed [len(handshakeNames)]uint64
	// dropped is how often the listener's sockets have turned down who came.
	dropped uint64
}

func newEntered(bool) *entered { return &entered{} }

// leastEntered is what a listener takes.
var leastEntered = (&entered{}).series()

func (e *entered) empty() bool {
	return e.flow.empty() && e.made.Count() == 0 && e.failed == [len(handshakeNames)]uint64{} && e.dropped == 0
}

func (e *entered) series() int {
	n := e.flow.series()
	if e.made.Count() > 0 {
		n += connectionBounds.series()
	}
	for _, failed := range e.failed {
		if failed > 0 {
			n++
		}
	}
	if e.dropped > 0 {
		n++
	}
	return n
}

// handshake counts handshakes that have failed alike. Those that were made are
// counted by their durations.
func (e *entered) handshake(how probe.Handshake, n uint64) {
	switch {
	case how == probe.HandshakeMade:
	case int(how) < len(e.failed) && handshakeNames[how] != "":
		e.failed[how] += n
	default:
		e.failed[probe.HandshakeRefused] += n
	}
}

// cell counts what has been added to the durations of handshakes.
func (e *entered) cell(added []figure) {
	eachClass(added, func(class probe.Class, d durationsAt) {
		if class == probe.Class2xx {
			d.addTo(&e.made)
		}
	})
}

// merge implements tally.
func (e *entered) merge(o *entered) {
	e.flow.merge(&o.flow)
	e.made.Merge(&o.made)
	for i, n := range o.failed {
		e.failed[i] += n
	}
	e.dropped += o.dropped
}

// tell writes the metrics of a listener.
func (e *entered) tell(out *scrape, listener string) {
	if !e.flow.empty() {
		e.flow.tell(out, ends{side: bpf.L4SideSIDE_DOWNSTREAM, listener: listener})
		out.histogram(acceptWait, connectionBounds, &e.flow.wait, listener)
	}
	if e.made.Count() > 0 {
		out.histogram(handshakeDuration, connectionBounds, &e.made, listener)
	}
	for how, n := range e.failed {
		if n > 0 {
			out.counter(handshakeFailures, n, listener, handshakeNames[how])
		}
	}
	if e.dropped > 0 {
		out.counter(listenDrops, e.dropped, listener)
	}
}
