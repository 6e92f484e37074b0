package message

import (
	"bytes"
	"fmt"
	"strings"
)

// Lenient reads a request as a careless server might. It takes a bare LF or CR
// for the end of a line, joins folded lines, trims what surrounds a name, reads
// underscores as hyphens, lets the last Content-Length count and any mention of
// "chunked" prevail over it, and takes numbers with signs, prefixes and
// separators.
func Lenient(b []byte) (*Request, int, error) {
	s := &scanner{b: b}
	line, ok := s.line()
	for ok && line == "" {
		line, ok = s.line()
	}
	if !ok {
		return nil, 0, ErrIncomplete
	}
	r := &Request{}
	words := strings.Fields(line)
	if len(words) < 2 {
		return nil, 0, fmt.Errorf("request line %q", line)
	}
	r.Method, r.Target = words[0], words[1]
	if r.Fields, ok = s.fields(); !ok {
		return nil, 0, ErrIncomplete
	}
	length, chunked := 0, false
	for _, f := range r.Fields {
		switch strings.ReplaceAll(lower(f.Name), "_", "-") {
		case "host":
			r.Host = f.Value
		case "content-length":
			length = laxNumber(f.Value, 10)
		case "transfer-encoding":
			chunked = chunked || strings.Contains(lower(f.Value), "chunked")
		}
	}
	if chunked {
		ok = s.chunks(r)
	} else {
		r.Body, ok = s.take(length)
	}
	if !ok {
		return nil, 0, ErrIncomplete
	}
	return r, s.at, nil
}

// scanner reads on from a place in b. Its methods return false at the end of b.
type scanner struct {
	b  []byte
	at int
}

// line reads up to CRLF, LF or CR.
func (s *scanner) line() (string, bool) {
	i := bytes.IndexAny(s.b[s.at:], "\r\n")
	if i < 0 {
		return "", false
	}
	line := string(s.b[s.at : s.at+i])
	s.at += i + 1
	if s.b[s.at-1] == '\r' && s.at < len(s.b) && s.b[s.at] == '\n' {
		s.at++
	}
	return line, true
}

func (s *scanner) fields() (fields []Field, ok bool) {
	for {
		line, ok := s.line()
		if !ok || line == "" {
			return fields, ok
		}
		if last := len(fields) - 1; last >= 0 && (line[0] == ' ' || line[0] == '\t') {
			fields[last].Value += " " + strings.TrimSpace(line)
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		fields = append(fields, Field{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
}

func (s *scanner) take(n int) (string, bool) {
	if n > len(s.b)-s.at {
		return "", false
	}
	s.at += n
	return string(s.b[s.at-n : s.at]), true
}

func (s *scanner) chunks(r *Request) bool {
	for {
		line, ok := s.line()
		if !ok {
			return false
		}
		size := laxNumber(line, 16)
		if size == 0 {
			r.Trailer, ok = s.fields()
			return ok
		}
		data, ok := s.take(size)
		if !ok {
			return false
		}
		r.Body += data
		if _, ok := s.line(); !ok {
			return false
		}
	}
}

// laxNumber reads the digits that s begins with, past white space, signs,
// prefixes and separators.
func laxNumber(s string, base int) (n int) {
	s = strings.TrimPrefix(lower(strings.TrimLeft(s, " \t+")), "0x")
	for _, c := range s {
		if c == '_' {
			continue
		}
		digit := strings.IndexRune("0123456789abcdef"[:base], c)
		if digit < 0 || n > 1<<30 {
			break
		}
		n = n*base + digit
	}
	return n
}
