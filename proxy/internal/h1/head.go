package h1

import "bytes"

// The bounds of a head.
const (
	// MaxHead is the size of the largest head that is accepted, start line and
	// final empty line included. It must stay below 64 KiB: fields keep their
	// offsets in 16 bits.
	MaxHead = 32 << 10
	// MaxFields is the number of fields that a head may have.
	MaxFields = 100

	maxConnectionTokens = 16
)

// Head is the fields of a message and what they say about its framing and
// its connection. The zero value is ready to be parsed into; it is meant to be
// reused, as it is large.
type Head struct {
	// Len is the length of the head in bytes.
	Len int
	// Minor is the minor version, 0 or 1.
	Minor uint8
	// Length is the value of Content-Length, or -1 if there is none.
	Length int64
	// Chunked is whether the body has the chunked transfer coding.
	Chunked bool
	// Close is whether the connection ends with this message, by what it says
	// and by the default of its version.
	Close bool
	// WantsUpgrade is whether Connection names the Upgrade field.
	WantsUpgrade bool

	buf        []byte
	fields     [MaxFields]field
	n          int
	first      [numKinds]uint8 // index + 1 of the first field of each kind
	keepAlive  bool
	closeToken bool
	joined     []byte
}

// field is one field line as offsets into the head.
type field struct {
	start, nameEnd, value, valueEnd, end uint16
	kind                                 Kind
	// dropped fields are hop-by-hop, or written anew by the proxy.
	dropped bool
}

func (h *Head) name(f *field) []byte    { return h.buf[f.start:f.nameEnd] }
func (h *Head) valueOf(f *field) []byte { return h.buf[f.value:f.valueEnd] }

var emptyLine = []byte("\r\n\r\n")

// Find returns the length of the head that b begins with, or zero if its end
// has not arrived yet. The first scanned bytes of b were searched by an earlier
// call. What can never become a head is an error at once, so that a client that
// does not speak HTTP/1 is not waited for.
func Find(b []byte, scanned int) (int, error) {
	from := max(scanned-3, 0)
	if i := bytes.Index(b[from:], emptyLine); i >= 0 && from+i+4 <= MaxHead {
		return from + i + 4, nil
	}
	if len(b) > 0 && class[b[0]]&isToken == 0 && b[0] != '\r' {
		return 0, ErrStartLine
	}
	if err := checkLineEnds(b, max(scanned-1, 0)); err != nil {
		return 0, err
	}
	if len(b) >= MaxHead {
		return 0, ErrHeadTooLarge
	}
	return 0, nil
}

// checkLineEnds refuses a CR or LF that is not part of a CRLF.
func checkLineEnds(b []byte, from int) error {
	for i := from; i < len(b); i++ {
		switch b[i] {
		case '\n':
			if i == 0 || b[i-1] != '\r' {
				return ErrLineEnd
			}
		case '\r':
			if i+1 < len(b) && b[i+1] != '\n' {
				return ErrLineEnd
			}
		}
	}
	return nil
}

func (h *Head) reset(b []byte) {
	h.buf, h.Len = b, len(b)
	h.n, h.Minor, h.Length = 0, 0, -1
	h.first = [numKinds]uint8{}
	h.Chunked, h.Close, h.WantsUpgrade, h.keepAlive, h.closeToken = false, false, false, false, false
}

// parseFields reads the field lines from offset p to the final empty line.
func (h *Head) parseFields(p int, request bool) error {
	for p < len(h.buf)-2 {
		if h.n == MaxFields {
			return ErrTooManyFields
		}
		f := &h.fields[h.n]
		next, alias, err := h.parseLine(f, p)
		if err != nil {
			return err
		}
		p = next
		if err := h.take(f, alias, request); err != nil {
			return err
		}
	}
	return h.conclude()
}

// take adds the field f, which is the next of h.fields, and notes what it means.
// Alias says that its name has an underscore in it.
func (h *Head) take(f *field, alias, request bool) error {
	h.n++
	f.kind = KindOf(h.name(f))
	f.dropped = f.kind.ownedByProxy(request)
	if alias && f.kind != Plain {
		// A backend might read it as the real one, which we did not.
		f.kind, f.dropped = Plain, true
	}
	if f.kind == Plain {
		return nil
	}
	return h.note(f, request)
}

// parseLine reads one field line and reports whether its name has an
// underscore in it.
func (h *Head) parseLine(f *field, p int) (next int, alias bool, err error) {
	b := h.buf[p:]
	i := 0
	for ; class[b[i]]&isToken != 0; i++ {
		alias = alias || b[i] == '_'
	}
	if i == 0 || b[i] != ':' {
		return 0, false, ErrFieldName
	}
	e := bytes.IndexByte(b[i:], '\r') + i
	if b[e+1] != '\n' {
		return 0, false, ErrLineEnd
	}
	v := i + 1
	for v < e && (b[v] == ' ' || b[v] == '\t') {
		v++
	}
	ve := e
	for ve > v && (b[ve-1] == ' ' || b[ve-1] == '\t') {
		ve--
	}
	if !all(b[v:ve], isValue) {
		return 0, false, ErrFieldValue
	}
	*f = field{start: uint16(p), nameEnd: uint16(p + i), value: uint16(p + v), valueEnd: uint16(p + ve), end: uint16(p + e + 2)}
	return p + e + 2, alias, nil
}

// note takes in a field that has a meaning for the proxy.
func (h *Head) note(f *field, request bool) error {
	again := h.first[f.kind] != 0
	if !again {
		h.first[f.kind] = uint8(h.n)
	}
	v := h.valueOf(f)
	switch f.kind {
	case Host:
		if again && request {
			return ErrHost
		}
	case Expect:
		if again && request {
			// Together they are a list, of which no member is understood.
			return ErrExpect
		}
	case ContentLength:
		if again {
			return ErrContentLength
		}
		return h.noteLength(v)
	case TransferEncoding:
		if again || !EqualFold(v, "chunked") {
			return ErrTransferEncoding
		}
		h.Chunked = true
	}
	return nil
}

func (h *Head) noteLength(v []byte) error {
	// 18 digits cannot overflow, and no body is that long.
	if len(v) == 0 || len(v) > 18 {
		return ErrContentLength
	}
	var n int64
	for _, c := range v {
		if c < '0' || c > '9' {
			return ErrContentLength
		}
		n = n*10 + int64(c-'0')
	}
	h.Length = n
	return nil
}

// conclude checks what the fields say together.
func (h *Head) conclude() error {
	if h.Chunked && h.Length >= 0 {
		return ErrFraming
	}
	if h.Chunked && h.Minor == 0 {
		// RFC 9112, section 6.1: its framing is faulty.
		return ErrTransferEncoding
	}
	if h.first[Connection] != 0 {
		if err := h.readConnection(); err != nil {
			return err
		}
	}
	h.Close = h.closeToken || h.Minor == 0 && !h.keepAlive
	return nil
}

func (h *Head) readConnection() error {
	tokens := 0
	for i := range h.n {
		if h.fields[i].kind != Connection {
			continue
		}
		for v := h.valueOf(&h.fields[i]); len(v) > 0; {
			var t []byte
			t, v = nextListItem(v)
			if len(t) == 0 {
				continue
			}
			if tokens++; tokens > maxConnectionTokens || !IsToken(t) {
				return ErrConnection
			}
			h.connectionToken(t)
		}
	}
	return nil
}

func (h *Head) connectionToken(t []byte) {
	switch {
	case EqualFold(t, "close"):
		h.closeToken = true
	case EqualFold(t, "keep-alive"):
		h.keepAlive = true
	case EqualFold(t, "upgrade"):
		h.WantsUpgrade = true
	default:
		h.dropNamed(t)
	}
}

// dropNamed drops the fields that a Connection field names. Those that the
// proxy writes itself are dropped already, and come back from what it
// understood of them: nobody can have them removed.
func (h *Head) dropNamed(name []byte) {
	for i := range h.n {
		f := &h.fields[i]
		if f.kind != Expect && bytes.EqualFold(h.name(f), name) {
			f.dropped = true
		}
	}
}

// nextListItem splits the first item off a comma separated list.
func nextListItem(v []byte) (item, rest []byte) {
	if i := bytes.IndexByte(v, ','); i >= 0 {
		return trimOWS(v[:i]), v[i+1:]
	}
	return trimOWS(v), nil
}

// KeepsAlive reports whether the message asks for a persistent connection in
// so many words, which HTTP/1.0 needs.
func (h *Head) KeepsAlive() bool { return h.keepAlive }

// First returns the value of the first field of a kind, or nil.
func (h *Head) First(k Kind) []byte {
	if i := h.first[k]; i > 0 {
		return h.valueOf(&h.fields[i-1])
	}
	return nil
}

// Has reports whether there is a field of a kind.
func (h *Head) Has(k Kind) bool { return h.first[k] != 0 }

// Trailers reports whether the sender takes trailer fields (TE: trailers).
func (h *Head) Trailers() bool {
	for v := h.First(TE); len(v) > 0; {
		var t []byte
		if t, v = nextListItem(v); EqualFold(t, "trailers") {
			return true
		}
	}
	return false
}
