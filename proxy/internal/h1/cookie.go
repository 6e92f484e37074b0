package h1

import (
	"bytes"
	"iter"
)

// Cookie returns the value of the first cookie of a name (RFC 6265, section
// 5.4), as it came.
func (r *Request) Cookie(name string) ([]byte, bool) {
	for value := range r.Cookies(name) {
		return value, true
	}
	return nil, false
}

// Cookies returns the values of all cookies of a name, as they came. There are
// several where the client has them of several paths or domains.
func (r *Request) Cookies(name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range r.n {
			f := &r.fields[i]
			if !f.dropped && EqualFold(r.name(f), "cookie") && !eachCookie(r.valueOf(f), name, yield) {
				return
			}
		}
	}
}

// eachCookie reports whether yield wants more.
func eachCookie(field []byte, name string, yield func([]byte) bool) bool {
	for rest := field; len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, semicolon)
		key, value, ok := bytes.Cut(trimOWS(pair), equals)
		if ok && string(key) == name && !yield(value) {
			return false
		}
	}
	return true
}

var semicolon, equals = []byte(";"), []byte("=")
