package h1

import (
	"bytes"
	"strconv"
)

// AppendChunk appends data as one chunk; no data is no chunk, as an empty one
// would end the body.
func AppendChunk(out, data []byte) []byte {
	if len(data) == 0 {
		return out
	}
	out = strconv.AppendUint(out, uint64(len(data)), 16)
	out = append(append(out, "\r\n"...), data...)
	return append(out, "\r\n"...)
}

// AppendLastChunk ends a chunked body with those fields of a trailer section
// (see Decoder.Trailer) that may travel on in one.
func AppendLastChunk(out, trailer []byte) []byte {
	out = append(out, "0\r\n"...)
	for len(trailer) > 0 {
		name, line := trailerLine(trailer)
		trailer = trailer[len(line):]
		if allowedInTrailer(name) {
			out = append(out, line...)
		}
	}
	return append(out, "\r\n"...)
}

// trailerLine returns the first line of a trailer section and the field's
// name, which is empty when the line has no colon.
func trailerLine(b []byte) (name, line []byte) {
	line = b[:bytes.IndexByte(b, '\n')+1]
	if i := bytes.IndexByte(line, ':'); i > 0 {
		name = line[:i]
	}
	return name, line
}

// allowedInTrailer reports whether a field may be forwarded in a trailer
// section: not if it is about framing, routing, authentication or the
// connection, or describes the content (RFC 9110, section 6.5.1), as a
// recipient that merges trailers into the head would be deceived by it.
func allowedInTrailer(name []byte) bool {
	if KindOf(name) != Plain {
		return false
	}
	for _, s := range [...]string{"authorization", "cookie", "set-cookie", "www-authenticate", "trailer", "cache-control", "max-forwards", "range"} {
		if EqualAlias(name, s) {
			return false
		}
	}
	return len(name) < 8 || !EqualAlias(name[:8], "content-")
}
