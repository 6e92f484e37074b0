package tracing

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Policy is a compiled proxyconfig.Tracing. It is immutable and safe for
// concurrent use.
type Policy struct {
	// SpanName names the spans of requests; empty has their methods do so.
	SpanName string
	// Attributes are added to every span. Their Headers are in lower case.
	Attributes []proxyconfig.SpanAttribute

	sampling, parents bound
	follows           bool
}

// NewPolicy compiles what ValidateTracing has found to be sound.
func NewPolicy(t *proxyconfig.Tracing) *Policy {
	p := &Policy{SpanName: t.SpanName, Attributes: slices.Clone(t.Attributes), sampling: boundOf(t.Sampling)}
	for i := range p.Attributes {
		p.Attributes[i].Header = strings.ToLower(p.Attributes[i].Header)
	}
	if t.ParentSampling != nil {
		p.follows, p.parents = true, boundOf(*t.ParentSampling)
	}
	return p
}

// Samples decides whether a request is recorded. Where the decision of its trace
// is followed, only what is recorded already is. The decision depends on the
// identifier of the trace alone, so that all who have the same rate decide alike.
func (p *Policy) Samples(c *Context, inherited bool) bool {
	if inherited && p.follows {
		return c.Flags&Sampled != 0 && p.parents.holds(c.Trace)
	}
	return p.sampling.holds(c.Trace)
}

// bound is the number of the 2^63 values of an identifier's random part that are
// sampled, as OpenTelemetry's TraceIdRatioBased has it.
type bound uint64

func boundOf(f proxyconfig.Fraction) bound {
	high, low := bits.Mul64(uint64(f.Numerator), 1<<63)
	quotient, _ := bits.Div64(high, low, uint64(f.Denominator))
	return bound(quotient)
}

func (b bound) holds(id TraceID) bool {
	return binary.BigEndian.Uint64(id[8:])>>1 < uint64(b)
}
