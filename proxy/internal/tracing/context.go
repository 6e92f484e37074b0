package tracing

import "encoding/hex"

// TraceID and SpanID identify a trace, and a span in it. The zero value is none.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// Sampled is the flag of a Context by which its span is recorded.
const Sampled = 1

// kept are the flags that are passed on: the second says that the trace's
// identifier is random (Trace Context Level 2, section 3.2.2.5).
const kept = 1 | 2

// Context is a span as the traceparent field names it.
type Context struct {
	Trace TraceID
	Span  SpanID
	Flags byte
}

// parentLen is the length of a traceparent of version 00, before which spanAt the
// span's identifier begins.
const (
	parentLen = 55
	spanAt    = 36
)

// MaxState is the length of the longest tracestate that is passed on: what a
// vendor has to take at least (Trace Context, section 3.3.1.5).
const MaxState = 512

// ParseParent reads a traceparent (Trace Context, section 3.2). A later version
// may have more to say after what is known.
func ParseParent(v []byte) (c Context, ok bool) {
	if len(v) < parentLen || v[2] != '-' || v[35] != '-' || v[52] != '-' || len(v) > MaxState {
		return Context{}, false
	}
	var version, flags [1]byte
	if !lowerHex(version[:], v[:2]) || version[0] == 0xff ||
		!lowerHex(c.Trace[:], v[3:35]) || !lowerHex(c.Span[:], v[spanAt:52]) || !lowerHex(flags[:], v[53:55]) {
		return Context{}, false
	}
	if len(v) > parentLen && (version[0] == 0 || v[parentLen] != '-') {
		return Context{}, false
	}
	if c.Trace == (TraceID{}) || c.Span == (SpanID{}) {
		return Context{}, false
	}
	c.Flags = flags[0] & kept
	return c, true
}

// lowerHex decodes hexadecimal digits, of which capital ones are no valid.
func lowerHex(out, digits []byte) bool {
	for _, c := range digits {
		if c >= 'A' && c <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(out, digits)
	return err == nil
}

// AppendTo appends c as a traceparent.
func (c *Context) AppendTo(out []byte) []byte {
	out = append(out, "00-"...)
	out = hex.AppendEncode(out, c.Trace[:])
	out = append(out, '-')
	out = hex.AppendEncode(out, c.Span[:])
	return append(out, '-', '0', '0'+c.Flags&kept)
}

// PutSpan has a traceparent that AppendTo has written name another span.
func PutSpan(parent []byte, id SpanID) { hex.Encode(parent[spanAt:], id[:]) }
