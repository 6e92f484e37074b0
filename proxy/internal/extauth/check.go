package extauth

import (
	"encoding/binary"
	"errors"
	"net/http"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// Method is the path that a CheckRequest is posted to.
const Method = "/envoy.service.auth.v3.Authorization/Check"

var (
	errFrame  = errors.New("the answer is not one message without compression")
	errServer = errors.New("the server says that it could not tell")
	errField  = errors.New("the answer has a header that is not valid")
)

// ReadCheck is the verdict of a CheckResponse in the frame of a gRPC message,
// which must be the whole of the answer. Slices of the verdict are parts of it.
// What does not add up is an error, and nothing is taken from it.
func ReadCheck(message []byte) (*Verdict, error) {
	if len(message) < 5 || message[0] != 0 || int64(binary.BigEndian.Uint32(message[1:])) != int64(len(message)-5) {
		return nil, errFrame
	}
	allowing := &Verdict{Allowed: true}
	denying := &Verdict{Status: http.StatusForbidden}
	v := allowing
	r := reader{rest: message[5:]}
	for r.next() {
		switch r.field {
		case 1:
			if statusCode(&r) != 0 {
				v = denying
			}
		case 2:
			v = denying
			v.denied(&r)
		case 3:
			allowing.ok(&r)
		case 5:
			return nil, errServer
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return v, v.check()
}

// each calls f for the fields of the message that r has just read.
func (r *reader) each(f func(inner *reader)) {
	inner := reader{rest: r.bytes}
	for inner.next() {
		f(&inner)
	}
	if inner.err != nil {
		r.err = inner.err
	}
}

// statusCode reads a google.rpc.Status.
func statusCode(r *reader) (code uint64) {
	r.each(func(f *reader) {
		if f.field == 1 {
			code = f.number
		}
	})
	return code
}

// denied reads a DeniedHttpResponse.
func (v *Verdict) denied(r *reader) {
	r.each(func(f *reader) {
		switch f.field {
		case 1:
			f.each(func(status *reader) {
				if n := status.number; status.field == 1 && n >= 200 && n <= 599 {
					v.Status = int(n)
				}
			})
		case 2:
			v.Fields = append(v.Fields, headerOption(f, Set))
		case 3:
			v.Body = f.bytes
		}
	})
}

// ok reads an OkHttpResponse. Unless it says otherwise, fields are set in the
// request and added to the response, as Envoy does it.
func (v *Verdict) ok(r *reader) {
	r.each(func(f *reader) {
		switch f.field {
		case 2:
			v.Fields = append(v.Fields, headerOption(f, Set))
		case 5:
			v.Removed = append(v.Removed, f.bytes)
		case 6:
			v.Response = append(v.Response, headerOption(f, Add))
		case 7:
			v.SetQuery = append(v.SetQuery, pair(f))
		case 8:
			v.RemovedQuery = append(v.RemovedQuery, f.bytes)
		}
	})
}

// headerOption reads a HeaderValueOption. Its default is for those that do not say
// what becomes of a field that is there, as the first of the actions does not: it
// cannot be told from none.
func headerOption(r *reader, unsaid Mode) (out Field) {
	modes := [...]Mode{unsaid, AddIfAbsent, Set, SetIfPresent}
	out.Mode = unsaid
	var appends, replaces bool
	r.each(func(f *reader) {
		switch {
		case f.field == 1:
			read := pair(f)
			out.Name, out.Value = read.Name, read.Value
		case f.field == 2:
			f.each(func(value *reader) { appends = value.field == 1 && value.number != 0 })
			replaces = !appends
		case f.field == 3 && f.number < uint64(len(modes)):
			out.Mode = modes[f.number]
		}
	})
	switch {
	case appends:
		out.Mode = Add
	case replaces && out.Mode == Add:
		out.Mode = Set
	}
	return out
}

// pair reads a HeaderValue, whose value may be in the third field, too, or a
// QueryParameter.
func pair(r *reader) (out Field) {
	r.each(func(f *reader) {
		switch f.field {
		case 1:
			out.Name = f.bytes
		case 2, 3:
			if len(f.bytes) > 0 {
				out.Value = f.bytes
			}
		}
	})
	return out
}

// check refuses what cannot be carried out, and leaves out what is not for a
// server to say.
func (v *Verdict) check() error {
	for _, list := range [][]Field{v.Fields, v.Response} {
		for i := range list {
			if !h1.IsToken(list[i].Name) || !h1.IsValue(list[i].Value) {
				return errField
			}
		}
	}
	if v.Allowed {
		v.Fields = keep(v.Fields, settable)
	}
	v.Response = keep(v.Response, func(name []byte) bool { return h1.KindOf(name) == h1.Plain })
	return nil
}

func keep(list []Field, want func(name []byte) bool) []Field {
	kept := list[:0]
	for _, f := range list {
		if want(f.Name) {
			kept = append(kept, f)
		}
	}
	return kept
}
