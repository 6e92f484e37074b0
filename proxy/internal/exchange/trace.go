package exchange

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

var traceParent = []byte("traceparent")

// joinTrace has the request belong to a trace: the one that it came with, or if
// what it says of that makes no sense, a new one.
func (x *exchange) joinTrace(p *tracing.Policy, r *h1.Request) {
	l := x.loop
	text, _ := r.Value("traceparent")
	parent, inherited := tracing.ParseParent(text)
	x.policy, x.context = p, parent
	if !inherited {
		x.context.Trace = l.traceID()
	}
	x.context.Span = l.spanID()
	sampled := p.Samples(&x.context, inherited)
	x.context.Flags &^= tracing.Sampled
	var state []byte
	if inherited {
		state, _ = r.Value("tracestate")
	}
	x.keepsState = len(state) > 0 && len(state) <= tracing.MaxState
	if !sampled {
		return
	}
	x.context.Flags |= tracing.Sampled
	if l.opts.Spans != nil {
		x.record = &tracing.Request{Policy: p, Context: x.context, Parent: parent.Span}
		if x.keepsState {
			x.record.State = string(state)
		}
		x.recordFields(r)
	}
}

// traceID and spanID return new identifiers.
func (l *Loop) traceID() (id tracing.TraceID) {
	binary.BigEndian.PutUint64(id[:8], l.ids.Uint64()|1)
	binary.BigEndian.PutUint64(id[8:], l.ids.Uint64())
	return id
}

func (l *Loop) spanID() (id tracing.SpanID) {
	for id == (tracing.SpanID{}) {
		binary.BigEndian.PutUint64(id[:], l.ids.Uint64())
	}
	return id
}

// recordFields takes down the headers that are wanted as attributes.
func (x *exchange) recordFields(from interface{ Value(string) ([]byte, bool) }) {
	t := x.record
	for i := range t.Policy.Attributes {
		name := t.Policy.Attributes[i].Header
		if name == "" || i < len(t.Values) && t.Values[i] != "" {
			continue
		}
		if v, ok := from.Value(name); ok && len(v) > 0 {
			if t.Values == nil {
				t.Values = make([]string, len(t.Policy.Attributes))
			}
			t.Values[i] = string(v)
		}
	}
}

// traceDropper leaves out what says which trace a request belongs to, beside what
// the rule's edits leave out.
type traceDropper struct {
	edits *filter.Edits
	// state: what vendors say of the trace travels on.
	state bool
}

// Drops implements h1.Dropper.
func (d *traceDropper) Drops(name []byte) bool {
	return h1.EqualFold(name, "traceparent") || !d.state && h1.EqualFold(name, "tracestate") || d.edits.Drops(name)
}

// requestDropper is what is left out of the fields of a request that goes to a
// backend.
func (x *exchange) requestDropper() h1.Dropper {
	if x.policy == nil {
		return &x.requestEdits
	}
	d := &x.loop.traceDrops
	d.edits, d.state = &x.requestEdits, x.keepsState
	return d
}

// appendTrace says which trace the request belongs to, unless the rule's own edits
// do. Attempts put the spans of their own in; copies of the request are children
// of its own span, as nothing is recorded of them.
func (x *exchange) appendTrace(out []byte, edits *filter.Edits) []byte {
	if x.policy == nil || edits.Drops(traceParent) {
		return out
	}
	out = append(out, "traceparent: "...)
	x.parent.start = uint32(len(out))
	out = x.context.AppendTo(out)
	x.parent.end = uint32(len(out))
	return append(out, "\r\n"...)
}

// recordAttempt begins the span of an attempt.
func (x *exchange) recordAttempt(e *balance.Endpoint) {
	t := x.record
	if t == nil || len(t.Attempts) == tracing.MaxAttempts {
		return
	}
	id := x.loop.spanID()
	t.Attempts = append(t.Attempts, tracing.Attempt{
		Span: id, Start: x.loop.at(x.loop.now),
		Service: e.Cluster.Service, Namespace: e.Cluster.Namespace, Port: e.Cluster.Port, Peer: e.Addr,
		URL: x.urlSent(), Version: httpVersion(x.backend.Transport.HTTP2),
	})
	if x.parent.end > 0 {
		tracing.PutSpan(x.bytes(x.parent), id)
	}
}

func httpVersion(two bool) string {
	if two {
		return "2"
	}
	return "1.1"
}

// urlSent is what the head for the backend asks for, without the query.
func (x *exchange) urlSent() string {
	_, t := readHead(x.buf[x.message:x.body])
	path, _, _ := bytes.Cut(t.Path, []byte("?"))
	scheme := "http://"
	if x.backend.Transport.TLS != nil {
		scheme = "https://"
	}
	return scheme + string(t.Authority) + string(path)
}

// tried is the span of the attempt that is under way, or nil.
func (x *exchange) tried() *tracing.Attempt {
	if x.record == nil || len(x.record.Attempts) == 0 {
		return nil
	}
	if a := &x.record.Attempts[len(x.record.Attempts)-1]; a.End.IsZero() {
		return a
	}
	return nil
}

// recordStatus notes how the attempt was answered.
func (x *exchange) recordStatus(status int) {
	if a := x.tried(); a != nil {
		a.Status = status
	}
}

// recordFault notes why the attempt has failed.
func (x *exchange) recordFault(reason string) {
	if a := x.tried(); a != nil {
		a.Error = reason
	}
}

// recordOutcome ends the span of the attempt.
func (x *exchange) recordOutcome(o balance.Outcome) {
	a := x.tried()
	if a == nil {
		return
	}
	a.End = x.loop.at(x.loop.now)
	switch {
	case a.Error != "":
	case o != balance.Answered && x.flags&flagTimeout != 0:
		a.Error = tracing.ErrorTimeout
	case o == balance.Broken:
		a.Error = tracing.ErrorReset
	case o == balance.Abandoned && x.flags&flagClientCancel != 0:
		a.Error = tracing.ErrorCancelled
	case o == balance.Abandoned:
		a.Error = tracing.ErrorAbandoned
	case a.Status >= 400:
		a.Error = strconv.Itoa(a.Status)
	}
}

// endRecord hands on what was recorded.
func (x *exchange) endRecord() {
	t := x.record
	x.record = nil
	t.Start, t.End = x.loop.at(x.start), x.loop.at(x.loop.now)
	path, query, _ := bytes.Cut(x.bytes(x.target), []byte("?"))
	t.Method, t.Host = string(x.bytes(x.method)), string(x.bytes(x.host))
	t.Path, t.Query, t.UserAgent = string(path), string(query), string(x.bytes(x.agent))
	t.Scheme, t.Port, t.Client = x.from.scheme(), x.from.port, x.origin
	t.Version = x.version()
	t.Status, t.Error = x.status, x.failure()
	t.RequestBytes, t.ResponseBytes = x.requestLen, x.respondLen
	x.loop.opts.Spans.Take(t)
}

// version is that of HTTP which the client speaks.
func (x *exchange) version() string {
	if x.minor0 {
		return "1.0"
	}
	return httpVersion(x.protocol == probe.HTTP2 || x.protocol == probe.GRPC || x.websocket)
}

// failure is why the request has failed, if it has.
func (x *exchange) failure() string {
	switch {
	case x.flags&flagClientCancel != 0 || x.status == 0:
		return tracing.ErrorCancelled
	case x.status >= 500:
		return strconv.Itoa(x.status)
	case x.flags&flagUpstreamReset != 0:
		return tracing.ErrorReset
	case x.flags&flagTimeout != 0:
		return tracing.ErrorTimeout
	}
	return ""
}

// at is the time of an instant.
func (l *Loop) at(instant int64) time.Time { return l.opts.Epoch.Add(time.Duration(instant)) }
