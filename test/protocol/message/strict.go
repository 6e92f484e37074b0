package message

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Strict reads a request as RFC 9112 defines it, and takes none of the liberties
// that it grants to recipients.
func Strict(b []byte) (*Request, int, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, 0, ErrIncomplete
	}
	lines := strings.Split(string(b[:end]), "\r\n")
	r := &Request{}
	minor, err := r.requestLine(lines[0])
	if err != nil {
		return nil, 0, err
	}
	if r.Fields, err = fieldLines(lines[1:]); err != nil {
		return nil, 0, err
	}
	hosts := r.Values("host")
	if len(hosts) > 1 || len(hosts) == 0 && minor == '1' {
		return nil, 0, fmt.Errorf("%d Host fields", len(hosts))
	}
	r.Host = strings.Join(hosts, "")
	if minor == '0' && len(r.Values("transfer-encoding")) > 0 {
		return nil, 0, errors.New("transfer coding in HTTP/1.0") // section 6.1
	}
	n, err := r.strictBody(b[end+4:])
	return r, end + 4 + n, err
}

// requestLine reads "method SP target SP HTTP/1.x" (section 3).
func (r *Request) requestLine(line string) (minor byte, err error) {
	parts := strings.Split(line, " ")
	if len(parts) != 3 {
		return 0, fmt.Errorf("request line %q", line)
	}
	version, ok := strings.CutPrefix(parts[2], "HTTP/1.")
	if !ok || version != "0" && version != "1" {
		return 0, fmt.Errorf("version %q", parts[2])
	}
	r.Method, r.Target = parts[0], parts[1]
	if !IsToken(r.Method) || r.Target == "" || strings.ContainsFunc(r.Target, notVisible) {
		return 0, fmt.Errorf("request line %q", line)
	}
	return version[0], nil
}

func notVisible(c rune) bool { return c <= ' ' || c >= 0x7f }

// fieldLines reads field lines without their CRLF (section 5).
func fieldLines(lines []string) (fields []Field, err error) {
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !IsToken(name) {
			return nil, fmt.Errorf("field line %q", line)
		}
		value = strings.Trim(value, " \t")
		for i := range len(value) {
			if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
				return nil, fmt.Errorf("field line %q", line)
			}
		}
		fields = append(fields, Field{name, value})
	}
	return fields, nil
}

// tokenMarks are the characters of a token beside letters and digits (RFC 9110,
// section 5.6.2).
const tokenMarks = "!#$%&'*+-.^_`|~"

// IsToken reports whether s is a token.
func IsToken(s string) bool {
	for i := range len(s) {
		if !IsTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// IsTokenByte reports whether c may be part of a token.
func IsTokenByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte(tokenMarks, c) >= 0
}

// strictBody reads the body that b begins with (section 6).
func (r *Request) strictBody(b []byte) (n int, err error) {
	codings, lengths := r.Values("transfer-encoding"), r.Values("content-length")
	switch {
	case len(codings)+len(lengths) > 1:
		return 0, errors.New("more than one field that frames the body")
	case len(codings) == 1:
		if lower(codings[0]) != "chunked" {
			return 0, fmt.Errorf("transfer coding %q", codings[0])
		}
		return r.strictChunks(b)
	case len(lengths) == 1:
		n, err := digits(lengths[0], 10)
		if err != nil {
			return 0, err
		}
		if len(b) < n {
			return 0, ErrIncomplete
		}
		r.Body = string(b[:n])
		return n, nil
	}
	return 0, nil
}

// digits reads a number without sign, prefix or separator.
func digits(s string, base int) (int, error) {
	for _, c := range lower(s) {
		if !strings.ContainsRune("0123456789abcdef"[:base], c) {
			return 0, fmt.Errorf("number %q", s)
		}
	}
	n, err := strconv.ParseInt(s, base, 32)
	return int(n), err
}

// strictChunks reads chunks without extensions, as a proxy has no reason to
// write any, and the trailer section (section 7.1).
func (r *Request) strictChunks(b []byte) (int, error) {
	for n := 0; ; {
		line, _, ok := strings.Cut(string(b[n:]), "\r\n")
		if !ok {
			return 0, ErrIncomplete
		}
		size, err := digits(line, 16)
		if err != nil {
			return 0, fmt.Errorf("chunk size: %w", err)
		}
		n += len(line) + 2
		if size == 0 {
			m, err := r.strictTrailer(b[n:])
			return n + m, err
		}
		if len(b) < n+size+2 {
			return 0, ErrIncomplete
		}
		if string(b[n+size:n+size+2]) != "\r\n" {
			return 0, errors.New("chunk without an end")
		}
		r.Body += string(b[n : n+size])
		n += size + 2
	}
}

func (r *Request) strictTrailer(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("\r\n")) {
		return 2, nil
	}
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return 0, ErrIncomplete
	}
	var err error
	r.Trailer, err = fieldLines(strings.Split(string(b[:end]), "\r\n"))
	return end + 4, err
}
