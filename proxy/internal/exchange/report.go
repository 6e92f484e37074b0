package exchange

import (
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// statusClientGone is reported when the client left before an answer began.
const statusClientGone = 499

// report tells the observer of the exchange.
func (x *exchange) report() {
	l := x.loop
	l.Active.Add(-1)
	if l.opts.Observer == nil {
		return
	}
	d := &l.done
	d.Rule, d.Port, d.Endpoint = x.rule, x.from.port, x.try.endpoint
	d.Start = l.opts.Epoch.Add(time.Duration(x.start))
	d.Duration = time.Duration(l.now - x.start)
	d.Upstream = 0
	if x.sent > 0 {
		if x.received == 0 {
			x.received = l.now
		}
		d.Upstream = time.Duration(x.received - x.sent)
	}
	d.Status = x.status
	if x.status == 0 {
		d.Status = statusClientGone
	}
	d.RawMethod = x.bytes(x.method)
	d.Method, d.Protocol = methodOf(d.RawMethod), x.protocol
	d.Flags, d.GRPC, d.Attempts = x.flags, x.grpc, x.attempts
	d.RequestBytes, d.ResponseBytes = x.requestLen, x.respondLen
	d.Client = x.origin
	d.Host, d.Target = x.bytes(x.host), x.bytes(x.target)
	d.UserAgent, d.RequestID = x.bytes(x.agent), x.bytes(x.id)
	d.TraceID = x.context.Trace
	x.explain(d)
	l.opts.Observer.RequestDone(d)
}
func methodOf(m []byte) probe.Method {
	switch string(m) {
	case "GET":
		return probe.MethodGet
	case "HEAD":
		return probe.MethodHead
	case "POST":
		return probe.MethodPost
	case "PUT":
		return probe.MethodPut
	case "PATCH":
		return probe.MethodPatch
	case "DELETE":
		return probe.MethodDelete
	case "OPTIONS":
		return probe.MethodOptions
	case "TRACE":
		return probe.MethodTrace
	}
	return probe.MethodOther
}
