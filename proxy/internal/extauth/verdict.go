package extauth

import (
	"bytes"
	"net/http"

	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// MaxAnswer bounds the body of a server's answer that is kept.
const MaxAnswer = 64 << 10

// Verdict is what a server has answered.
type Verdict struct {
	Allowed bool
	// Status is that of the client's response if the request is not allowed.
	Status int
	// Fields go to the request if it is allowed, and otherwise to the client's
	// response.
	Fields []Field
	// Removed are names of the client's fields that the request must not have.
	Removed [][]byte
	// Response goes to the client's response to a request that is allowed.
	Response []Field
	// SetQuery and RemovedQuery change the parameters of the request's query.
	SetQuery     []Field
	RemovedQuery [][]byte
	// Body is that of the client's response if the request is not allowed.
	Body []byte
}

// Field is one field, or one parameter.
type Field struct {
	Name, Value []byte
	Mode        Mode
}

// Mode is what becomes of the fields of the same name that are there already.
type Mode uint8

const (
	// Set replaces them.
	Set Mode = iota
	// Add leaves them where they are.
	Add
	// AddIfAbsent and SetIfPresent do nothing if there are some, or none.
	AddIfAbsent
	SetIfPresent
)

// Read is the verdict of an answer by HTTP: 200 allows the request, and nothing
// else does (Gateway API, HTTPRouteExternalAuthProtocol). A client that is not
// allowed is not told of a success, either. The body is left to the caller.
func Read(a *filter.ExternalAuth, r *h1.Response) *Verdict {
	v := &Verdict{Allowed: r.Status == http.StatusOK, Status: r.Status}
	if r.Status < 300 {
		v.Status = http.StatusForbidden
	}
	for name, value := range r.Fields(nil) {
		if !v.Allowed || a.Takes(name) && settable(name) {
			v.Fields = append(v.Fields, Field{Name: bytes.Clone(name), Value: bytes.Clone(value)})
		}
	}
	return v
}

// settable reports whether a server may set a field of a request: not if the
// proxy writes it by what it knows itself, or it is of one connection alone.
func settable(name []byte) bool {
	switch h1.KindOf(name) {
	case h1.Plain, h1.UserAgent:
		return true
	case h1.Forwarded:
		return !ofTheProxy(name)
	}
	return false
}

// ofTheProxy tells what is said of a client by proxies from what is by
// authorization servers, such as X-Forwarded-User.
func ofTheProxy(name []byte) bool {
	for _, s := range [...]string{"forwarded", "x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"} {
		if h1.EqualAlias(name, s) {
			return true
		}
	}
	return false
}

// AppendFields appends field lines of a request as the verdict changes them,
// which must be one that allows it. Later are edits that have the last word on
// what they set or remove.
func (v *Verdict) AppendFields(out []byte, a *filter.ExternalAuth, lines []byte, later h1.Dropper) []byte {
	for line := range bytes.Lines(lines) {
		if name := nameOf(line); !v.drops(name) && !a.Vouches(name) {
			out = append(out, line...)
		}
	}
	for i := range v.Fields {
		if f := &v.Fields[i]; !later.Drops(f.Name) && f.applies(lines) {
			out = h1.AppendField(out, string(f.Name), f.Value)
		}
	}
	return out
}

// AppendTrailer appends the lines of a request's trailer section but for those
// whose names the verdict decides upon.
func (v *Verdict) AppendTrailer(out []byte, a *filter.ExternalAuth, lines []byte) []byte {
	for line := range bytes.Lines(lines) {
		if name := nameOf(line); !v.names(name) && !v.drops(name) && !a.Vouches(name) {
			out = append(out, line...)
		}
	}
	return out
}

// names reports whether the verdict has a field of a name, whatever becomes of
// the client's.
func (v *Verdict) names(name []byte) bool {
	for i := range v.Fields {
		if h1.Alike(name, v.Fields[i].Name) {
			return true
		}
	}
	return false
}

func nameOf(line []byte) []byte { return line[:max(bytes.IndexByte(line, ':'), 0)] }

// drops reports whether a field of the client is removed or replaced. Names that
// a backend could mistake for one another are one.
func (v *Verdict) drops(name []byte) bool {
	for _, removed := range v.Removed {
		if h1.Alike(name, removed) {
			return true
		}
	}
	for i := range v.Fields {
		f := &v.Fields[i]
		if (f.Mode == Set || f.Mode == SetIfPresent) && h1.Alike(name, f.Name) {
			return true
		}
	}
	return false
}

// applies reports whether a field is written, given those of the client.
func (f *Field) applies(lines []byte) bool {
	if f.Mode == Set || f.Mode == Add {
		return true
	}
	for line := range bytes.Lines(lines) {
		if h1.Alike(nameOf(line), f.Name) {
			return f.Mode == SetIfPresent
		}
	}
	return f.Mode == AddIfAbsent
}

// DropBody leaves out the body, and the fields of the client's response that
// describe it (RFC 9110, section 8).
func (v *Verdict) DropBody() {
	v.Body = nil
	if v.Allowed {
		return
	}
	v.Fields = keep(v.Fields, func(name []byte) bool { return !ofTheBody(name) })
}

func ofTheBody(name []byte) bool {
	const prefix = "content-"
	if len(name) > len(prefix) && h1.EqualFold(name[:len(prefix)], prefix) {
		return !bytes.HasPrefix(bytes.ToLower(name), []byte("content-security-policy"))
	}
	for _, s := range [...]string{"etag", "last-modified", "accept-ranges", "digest", "repr-digest", "trailer"} {
		if h1.EqualFold(name, s) {
			return true
		}
	}
	return false
}

// AppendResponse appends the lines that the client's response to a request gets
// which was allowed. r is the backend's response, or nil where the answer is one
// of the proxy's own, which describes its body itself. Later are edits that have
// the last word on what they set or remove.
func (v *Verdict) AppendResponse(out []byte, r *h1.Response, later h1.Dropper) []byte {
	for i := range v.Response {
		f := &v.Response[i]
		if !later.Drops(f.Name) && f.suits(r) {
			out = h1.AppendField(out, string(f.Name), f.Value)
		}
	}
	return out
}

// suits reports whether a field is written into a response, given those of the
// backend.
func (f *Field) suits(r *h1.Response) bool {
	switch {
	case r == nil:
		return f.Mode != SetIfPresent && !ofTheBody(f.Name)
	case f.Mode == AddIfAbsent:
		return !has(r, f.Name)
	case f.Mode == SetIfPresent:
		return has(r, f.Name)
	}
	return true
}

func has(r *h1.Response, name []byte) bool {
	for n := range r.Fields(nil) {
		if h1.EqualFold(n, string(name)) {
			return true
		}
	}
	return false
}

// Replaces reports whether a field of the backend's response gives way to one of
// the verdict.
func (v *Verdict) Replaces(name []byte) bool {
	for i := range v.Response {
		f := &v.Response[i]
		if (f.Mode == Set || f.Mode == SetIfPresent) && h1.EqualFold(name, string(f.Name)) {
			return true
		}
	}
	return false
}

// AppendDenial appends the head of the client's response to a request that is
// not allowed, in the form of HTTP/1.1. Length is that of its body, or negative
// where it has none by nature.
func (v *Verdict) AppendDenial(out []byte, length int) []byte {
	out = h1.AppendStatusLine(out, v.Status, []byte(http.StatusText(v.Status)))
	for i := range v.Fields {
		switch f := &v.Fields[i]; h1.KindOf(f.Name) {
		case h1.ContentLength, h1.TransferEncoding, h1.Connection, h1.KeepAlive, h1.Upgrade, h1.TE:
		default:
			out = h1.AppendField(out, string(f.Name), f.Value)
		}
	}
	if length >= 0 {
		out = h1.AppendLength(out, int64(length))
	}
	return append(out, "\r\n"...)
}
