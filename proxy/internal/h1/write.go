package h1

import "strconv"

// Dropper decides which fields of a head are left out of what is forwarded.
type Dropper interface {
	// Drops reports whether the field called name, in any case, is left out.
	Drops(name []byte) bool
}

// AppendFields appends the fields that travel on, in their order and spelling,
// but for those that d, which may be nil, leaves out.
func (h *Head) AppendFields(out []byte, d Dropper) []byte {
	start, end := 0, 0
	for i := range h.n {
		f := &h.fields[i]
		if f.dropped || d != nil && d.Drops(h.name(f)) {
			continue
		}
		// Neighbours are copied together.
		if int(f.start) != end {
			out = append(out, h.buf[start:end]...)
			start = int(f.start)
		}
		end = int(f.end)
	}
	return append(out, h.buf[start:end]...)
}

// AppendField appends one field line.
func AppendField(out []byte, name string, value []byte) []byte {
	out = append(append(out, name...), ": "...)
	return append(append(out, value...), "\r\n"...)
}

// AppendLength appends a Content-Length field.
func AppendLength(out []byte, n int64) []byte {
	out = append(out, "Content-Length: "...)
	return append(strconv.AppendInt(out, n, 10), "\r\n"...)
}

// AppendStatusLine appends a status line of HTTP/1.1.
func AppendStatusLine(out []byte, status int, reason []byte) []byte {
	out = strconv.AppendInt(append(out, "HTTP/1.1 "...), int64(status), 10)
	out = append(append(out, ' '), reason...)
	return append(out, "\r\n"...)
}
