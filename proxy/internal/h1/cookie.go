package h1

import "bytes"

// Cookie returns the value of the first cookie of a name (RFC 6265, section
// 5.4), as it came.
func (r *Request) Cookie(name string) ([]byte, bool) {
	for i := range r.n {
		f := &r.fields[i]
		if f.dropped || !EqualFold(r.name(f), "cookie") {
			continue
		}
		for rest := r.valueOf(f); len(rest) > 0; {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, semicolon)
			if key, value, ok := bytes.Cut(trimOWS(pair), equals); ok && string(key) == name {
				return value, true
			}
		}
	}
	return nil, false
}

var semicolon, equals = []byte(";"), []byte("=")
