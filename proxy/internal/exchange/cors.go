package exchange

import (
	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// shareAcrossOrigins notes what the rule's CORS filter adds to the response,
// and reports whether that is all of the response: to a preflight.
func (x *exchange) shareAcrossOrigins(r *h1.Request) (preflight bool) {
	// Joined fields share scratch memory, so each is copied.
	copied := func(name string) []byte {
		v, ok := r.Value(name)
		if !ok {
			return nil
		}
		return x.bytes(x.note(v))
	}
	q := filter.CORSRequest{
		Method: r.Method, Origin: copied("origin"),
		RequestMethod:  copied("access-control-request-method"),
		RequestHeaders: copied("access-control-request-headers"),
	}
	start := uint32(len(x.buf))
	x.buf = append(x.buf, x.bytes(x.extra)...)
	x.buf = x.rule.CORS.AppendTo(x.buf, &q)
	x.extra = span{start, uint32(len(x.buf))}
	return q.Preflight()
}

// Drops implements h1.Dropper for the response: the rule's edits, its CORS filter
// the session and an authorization server replace what the backend says.
func (x *exchange) Drops(name []byte) bool {
	return x.edits.Drops(name) || x.rule.CORS != nil && x.rule.CORS.Drops(name) || x.sessionDrops(name) || x.auth.replaces(name)
}

// dropper is what leaves out fields of the backend's response; nil if nothing
// does.
func (x *exchange) dropper() h1.Dropper {
	if x.edits.Empty() && x.rule.CORS == nil && !x.hasTokenHeader() && !x.auth.responds() {
		return nil
	}
	return x
}
