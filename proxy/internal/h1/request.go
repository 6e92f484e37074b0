package h1

import "bytes"

// Request is the head of a request. Its slices point into the bytes that it
// was parsed from.
type Request struct {
	Head
	Method []byte
	// Path is in normal form and begins with a slash; see normalPath. For
	// "OPTIONS *" it is a slash.
	Path []byte
	// Query is what follows the question mark, as it came.
	Query    []byte
	HasQuery bool
	// Asterisk is whether the target is "*".
	Asterisk bool
	// Name is the host in lower case, without a port and a final dot; brackets
	// of an IPv6 address are kept. It is empty only with HTTP/1.0.
	Name []byte
	// Port is the port of the host with its colon, or empty.
	Port []byte
	// Scheme is the scheme that an HTTP/2 request names, "http" or "https". It
	// is empty with HTTP/1.
	Scheme []byte
	// Protocol is the protocol that an extended CONNECT asks for (RFC 8441),
	// or empty.
	Protocol []byte
}

// Parse reads the head that b begins with and whose length Find has returned.
// It brings host and path into their normal form inside b.
func (r *Request) Parse(b []byte) error {
	r.clear(b)
	start := 0
	// RFC 9112, section 2.2: one empty line before the request is ignored.
	if b[0] == '\r' && b[1] == '\n' {
		start = 2
	}
	end := bytes.IndexByte(b[start:], '\n') + start
	if end <= start+1 || b[end-1] != '\r' {
		return ErrLineEnd
	}
	target, err := r.parseLine1(b[start : end-1])
	if err != nil {
		return err
	}
	if err := r.parseFields(end+1, true); err != nil {
		return err
	}
	return r.resolve(target)
}

func (r *Request) clear(b []byte) {
	r.reset(b)
	r.Method, r.Path, r.Query, r.HasQuery, r.Asterisk = nil, nil, nil, false, false
	r.Name, r.Port, r.Scheme, r.Protocol = nil, nil, nil, nil
}

// parseLine1 reads the request line, without its CRLF.
func (r *Request) parseLine1(line []byte) (target []byte, err error) {
	i := bytes.IndexByte(line, ' ')
	if i <= 0 || !all(line[:i], isToken) {
		return nil, ErrMethod
	}
	r.Method = line[:i]
	line = line[i+1:]
	i = bytes.IndexByte(line, ' ')
	if i <= 0 {
		return nil, ErrStartLine
	}
	target = line[:i]
	if r.Minor, err = version(line[i+1:]); err != nil {
		return nil, err
	}
	if !all(target, isTarget) {
		return nil, ErrTarget
	}
	return target, nil
}

// version reads "HTTP/1.0" or "HTTP/1.1".
func version(b []byte) (minor uint8, err error) {
	if len(b) != 8 || string(b[:5]) != "HTTP/" || b[6] != '.' || b[5]-'0' > 9 || b[7]-'0' > 9 {
		return 0, ErrStartLine
	}
	if b[5] != '1' || b[7] > '1' {
		return 0, ErrVersion
	}
	return b[7] - '0', nil
}

// IsForeign reports whether b, which Find or Parse has refused, begins with a line
// of another protocol: one that says something, without the slash that every
// request line has in its version, and one of HTTP/0.9, which has none, in its
// target.
func IsForeign(b []byte) bool {
	line, _, ended := bytes.Cut(bytes.TrimPrefix(b, emptyLine[:2]), emptyLine[:2])
	return ended && len(line) > 0 && bytes.IndexByte(line, '/') < 0
}

// resolve finds host, path and query in the target and the Host field.
func (r *Request) resolve(target []byte) error {
	host, has := r.First(Host), r.Has(Host)
	if !has && r.Minor == 1 {
		return ErrHost
	}
	switch {
	case string(r.Method) == "CONNECT":
		return ErrConnect
	case target[0] == '/':
	case len(target) == 1 && target[0] == '*' && string(r.Method) == "OPTIONS":
		r.Asterisk = true
	default:
		authority, rest, err := splitAbsolute(target)
		if err != nil {
			return err
		}
		if has && !sameHost(host, authority) {
			return ErrHostMismatch
		}
		host, has, target = authority, true, rest
	}
	if has {
		var err error
		if r.Name, r.Port, err = normalHost(host); err != nil {
			return err
		}
	}
	return r.setTarget(target)
}

var slash = []byte("/")

func (r *Request) setTarget(target []byte) (err error) {
	if r.Asterisk {
		r.Path = slash
		return nil
	}
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		r.Query, r.HasQuery = target[i+1:], true
		target = target[:i]
	}
	if len(target) == 0 {
		r.Path = slash
		return nil
	}
	r.Path, err = normalPath(target)
	return err
}

// Value implements router.Headers: it finds end-to-end fields alone, those
// that a backend gets to see.
func (h *Head) Value(name string) ([]byte, bool) {
	var v []byte
	found := 0
	for i := range h.n {
		f := &h.fields[i]
		if f.dropped && f.kind != Host && f.kind != RequestID || !EqualFold(h.name(f), name) {
			continue
		}
		found++
		switch found {
		case 1:
			v = h.valueOf(f)
		case 2:
			h.joined = append(append(append(h.joined[:0], v...), ','), h.valueOf(f)...)
			v = h.joined
		default:
			h.joined = append(append(h.joined, ','), h.valueOf(f)...)
			v = h.joined
		}
	}
	return v, found > 0
}
