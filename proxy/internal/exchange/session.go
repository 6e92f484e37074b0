package exchange

import (
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// joinSession finds out where the session is at home that the request belongs to,
// if the backend has sessions. Of several cookies of the name the first one that
// leads somewhere counts, or else the last one.
func (x *exchange) joinSession(r *h1.Request) {
	s := x.backend.Session
	if s == nil {
		return
	}
	if s.Header {
		if v, ok := r.Value(s.Name); ok {
			x.tryToken(v)
		}
		return
	}
	for v := range r.Cookies(s.Name) {
		if x.tryToken(v) {
			return
		}
	}
}

// tryToken reports whether a value leads to an endpoint. It is kept, as the
// tokens of other backends may be in it too.
func (x *exchange) tryToken(value []byte) bool {
	x.tokens = x.note(value)
	home, ok := x.backend.Session.Home(value, x.wall())
	if ok {
		x.home = home
	}
	return ok
}

// keepSession gives the client a token, where the answer comes from another
// endpoint than the one that its session was at home at.
func (x *exchange) keepSession() {
	e := x.try.endpoint
	// An authorization server's refusal comes from no endpoint.
	if x.backend == nil || x.backend.Session == nil || e == nil || e.Addr == x.home {
		return
	}
	s := x.backend.Session
	start := uint32(len(x.buf))
	x.buf = append(x.buf, x.bytes(x.extra)...)
	x.buf = s.AppendField(x.buf, x.bytes(x.tokens), e.Addr, x.from.secure, x.wall())
	x.extra = span{start, uint32(len(x.buf))}
}

// sessionDrops says whether a field of the backend's response would pass for a
// token.
func (x *exchange) sessionDrops(name []byte) bool {
	return x.hasTokenHeader() && h1.EqualFold(name, x.backend.Session.Name)
}

func (x *exchange) hasTokenHeader() bool {
	return x.backend != nil && x.backend.Session != nil && x.backend.Session.Header
}

// wall is the time in Unix milliseconds.
func (x *exchange) wall() int64 {
	return x.loop.opts.Epoch.UnixMilli() + x.loop.now/1e6
}
