package h1

// Target is what the pseudo-header fields of an HTTP/2 request say, as they
// came (RFC 9113, section 8.3.1, and RFC 8441). What is absent is empty.
type Target struct {
	Method, Scheme, Authority, Path, Protocol []byte
}

// Start makes r ready to be built from fields instead of being parsed: Add
// them, then Complete it. What is built is kept in buf, from its beginning and
// grown when needed; Buffer returns it, so that its memory can serve again.
func (r *Request) Start(buf []byte) {
	r.clear(buf[:0])
	r.Minor = 1
}

// Start makes r ready to be built from fields; see Request.Start.
func (r *Response) Start(buf []byte) {
	r.reset(buf[:0])
	r.Status, r.Reason = 0, nil
	r.Minor = 1
}

// Buffer returns the bytes that the head refers to.
func (h *Head) Buffer() []byte { return h.buf }

// Add adds a field as HTTP/2 carries it, copying it: the name in lower case and
// no field that is about an HTTP/1 connection (RFC 9113, section 8.2). Cookie
// crumbs become one field (section 8.2.3).
func (r *Request) Add(name, value []byte) error {
	if string(name) == "cookie" {
		if i := r.cookie(); i >= 0 {
			return r.addCrumb(i, value)
		}
	}
	return r.add(name, value, true)
}

// Add adds a field as HTTP/2 carries it; see Request.Add.
func (r *Response) Add(name, value []byte) error { return r.add(name, value, false) }

func (h *Head) add(name, value []byte, request bool) error {
	alias, err := checkField(name, value)
	if err != nil {
		return err
	}
	if h.n == MaxFields {
		return ErrTooManyFields
	}
	f, err := h.appendLine(name, value)
	if err != nil {
		return err
	}
	if err := h.take(f, alias, request); err != nil {
		return err
	}
	return checkHop(f.kind, name, value)
}

// appendLine writes a field line and fills in the next field, without taking it.
func (h *Head) appendLine(name, value []byte) (*field, error) {
	start := len(h.buf)
	v := start + len(name) + 2
	end := v + len(value) + 2
	if end > MaxHead {
		return nil, ErrHeadTooLarge
	}
	h.buf = append(append(h.buf, name...), ": "...)
	h.buf = append(append(h.buf, value...), "\r\n"...)
	f := &h.fields[h.n]
	*f = field{start: uint16(start), nameEnd: uint16(v - 2), value: uint16(v), valueEnd: uint16(end - 2), end: uint16(end)}
	return f, nil
}

// cookie returns the index of the Cookie field, or -1.
func (h *Head) cookie() int {
	for i := h.n - 1; i >= 0; i-- {
		if string(h.name(&h.fields[i])) == "cookie" {
			return i
		}
	}
	return -1
}

// addCrumb appends a crumb to the Cookie field, which moves to the end of the
// buffer for that unless it is there.
func (h *Head) addCrumb(i int, value []byte) error {
	if !validValue(value) {
		return ErrFieldValue
	}
	f := &h.fields[i]
	if int(f.end) != len(h.buf) {
		start, length := f.start, f.end-f.start
		if len(h.buf)+int(length) > MaxHead {
			return ErrHeadTooLarge
		}
		by := uint16(len(h.buf)) - start
		h.buf = append(h.buf, h.buf[start:start+length]...)
		f.start, f.nameEnd, f.value, f.valueEnd, f.end = f.start+by, f.nameEnd+by, f.value+by, f.valueEnd+by, f.end+by
	}
	if len(h.buf)+len(value)+2 > MaxHead {
		return ErrHeadTooLarge
	}
	h.buf = append(append(h.buf[:f.valueEnd], "; "...), value...)
	f.valueEnd = uint16(len(h.buf))
	h.buf = append(h.buf, "\r\n"...)
	f.end = uint16(len(h.buf))
	return nil
}

// checkField checks a field's name, which must be in lower case, and its value,
// and reports whether the name has an underscore in it.
func checkField(name, value []byte) (alias bool, err error) {
	if len(name) == 0 {
		return false, ErrFieldName
	}
	for _, c := range name {
		if class[c]&isToken == 0 || c >= 'A' && c <= 'Z' {
			return false, ErrFieldName
		}
		alias = alias || c == '_'
	}
	if !validValue(value) {
		return false, ErrFieldValue
	}
	return alias, nil
}

// validValue reports whether v is a field value as RFC 9113, section 8.2.1, has
// it: without white space at its ends.
func validValue(v []byte) bool {
	return all(v, isValue) && len(trimOWS(v)) == len(v)
}

// checkHop refuses the fields that are about an HTTP/1 connection (RFC 9113,
// section 8.2.2).
func checkHop(k Kind, name, value []byte) error {
	switch k {
	case Connection, KeepAlive, Upgrade, TransferEncoding:
		return ErrConnection
	case ProxyOnly:
		if string(name) == "proxy-connection" {
			return ErrConnection
		}
	case TE:
		if !EqualFold(value, "trailers") {
			return ErrConnection
		}
	}
	return nil
}

// Complete ends the building of r, whose target is t, as strictly as Parse
// reads one. A plain CONNECT is refused.
func (r *Request) Complete(t Target) error {
	if err := r.checkTarget(t); err != nil {
		return err
	}
	if !r.Has(Host) {
		if err := r.addHost(t.Authority); err != nil {
			return err
		}
	} else if len(t.Authority) > 0 && !sameHost(r.First(Host), t.Authority) {
		return ErrHostMismatch
	}
	r.Asterisk = len(t.Path) == 1 && t.Path[0] == '*' && string(t.Method) == "OPTIONS"
	return r.keepTarget(t)
}

func (r *Request) checkTarget(t Target) error {
	connect := string(t.Method) == "CONNECT"
	switch {
	case !IsToken(t.Method):
		return ErrMethod
	case string(t.Scheme) != "http" && string(t.Scheme) != "https" && (!connect || len(t.Protocol) > 0):
		return ErrTarget
	case connect && len(t.Protocol) == 0:
		return ErrConnect
	case len(t.Protocol) > 0 && (!connect || !IsToken(t.Protocol)):
		return ErrTarget
	case !all(t.Path, isTarget):
		return ErrTarget
	}
	if len(t.Path) > 0 && t.Path[0] == '/' || string(t.Path) == "*" && string(t.Method) == "OPTIONS" {
		return nil
	}
	return ErrTarget
}

// addHost lets the fields tell the authority too. Like a Host field that was
// parsed it does not travel on by itself.
func (r *Request) addHost(authority []byte) error {
	if len(authority) == 0 || !all(authority, isTarget) {
		return ErrHost
	}
	return r.add([]byte("host"), authority, true)
}

// keepTarget copies the target behind the fields and takes it apart there.
func (r *Request) keepTarget(t Target) (err error) {
	method := len(r.buf)
	scheme := method + len(t.Method)
	protocol := scheme + len(t.Scheme)
	path := protocol + len(t.Protocol)
	end := path + len(t.Path)
	if end > MaxHead {
		return ErrHeadTooLarge
	}
	b := append(append(r.buf, t.Method...), t.Scheme...)
	b = append(append(b, t.Protocol...), t.Path...)
	r.buf, r.Len = b, end
	r.Method, r.Scheme, r.Protocol = b[method:scheme], b[scheme:protocol], b[protocol:path]
	if r.Name, r.Port, err = normalHost(r.First(Host)); err != nil {
		return err
	}
	return r.setTarget(b[path:end])
}

// Complete ends the building of r, whose status is as HTTP/2 carries it. The
// status 101 has no meaning there (RFC 9113, section 8.6).
func (r *Response) Complete(status []byte) error {
	if len(status) != 3 {
		return ErrStartLine
	}
	for _, c := range status {
		if c < '0' || c > '9' {
			return ErrStartLine
		}
		r.Status = r.Status*10 + int(c-'0')
	}
	if r.Status < 100 || r.Status > 599 || r.Status == 101 {
		return ErrStartLine
	}
	r.Len = len(r.buf)
	return nil
}

// AppendTrailer appends a field that HTTP/2 carries in a trailer section, in
// the form of Decoder.Trailer.
func AppendTrailer(section, name, value []byte) ([]byte, error) {
	if _, err := checkField(name, value); err != nil {
		return section, err
	}
	if err := checkHop(KindOf(name), name, value); err != nil {
		return section, err
	}
	if len(section)+len(name)+len(value)+4 > MaxTrailer {
		return section, ErrTrailer
	}
	section = append(append(section, name...), ": "...)
	return append(append(section, value...), "\r\n"...), nil
}
