package h1

// AppendStart appends the request line and those of the fields that do not
// travel on and yet mean something to the proxy, in the form of HTTP/1.1. With
// what AppendFields writes and an empty line it is a head that Parse reads as it
// read, or as HTTP/2 has built, this one. X-Request-Id is left to the caller.
func (r *Request) AppendStart(out []byte) []byte {
	out = append(append(out, r.Method...), ' ')
	if r.Asterisk {
		out = append(out, '*')
	} else {
		out = append(out, r.Path...)
	}
	if r.HasQuery {
		out = append(append(out, '?'), r.Query...)
	}
	out = append(append(out, " HTTP/1."...), '0'+r.Minor, '\r', '\n')
	if len(r.Name) > 0 {
		out = append(append(append(append(out, "Host: "...), r.Name...), r.Port...), "\r\n"...)
	}
	for i := range r.n {
		switch f := &r.fields[i]; f.kind {
		case Forwarded, TE, Upgrade:
			out = append(out, r.buf[f.start:f.end]...)
		}
	}
	if r.WantsUpgrade {
		out = append(out, "Connection: Upgrade\r\n"...)
	}
	switch {
	case r.Chunked:
		return append(out, "Transfer-Encoding: chunked\r\n"...)
	case r.Length >= 0:
		return AppendLength(out, r.Length)
	}
	return out
}

// Vouch has the fields travel on that say something of the client, as far as they
// begin at an offset of the head or behind it: what stands there was written by
// whom the proxy believes.
func (r *Request) Vouch(from int) {
	for i := range r.n {
		if f := &r.fields[i]; f.kind == Forwarded && int(f.start) >= from {
			f.kind, f.dropped = Plain, false
		}
	}
}
