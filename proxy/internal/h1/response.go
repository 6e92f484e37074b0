package h1

import "bytes"

// Response is the head of a response. Its slices point into the bytes that it
// was parsed from.
type Response struct {
	Head
	Status int
	Reason []byte
}

// Parse reads the head that b begins with and whose length Find has returned.
func (r *Response) Parse(b []byte) error {
	r.reset(b)
	r.Status, r.Reason = 0, nil
	end := bytes.IndexByte(b, '\n')
	if end < 1 || b[end-1] != '\r' {
		return ErrLineEnd
	}
	if err := r.parseStatusLine(b[:end-1]); err != nil {
		return err
	}
	return r.parseFields(end+1, false)
}

func (r *Response) parseStatusLine(line []byte) (err error) {
	if len(line) < 12 || line[8] != ' ' {
		return ErrStartLine
	}
	if r.Minor, err = version(line[:8]); err != nil {
		return err
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return ErrStartLine
		}
		r.Status = r.Status*10 + int(c-'0')
	}
	if r.Status < 100 || r.Status > 599 {
		return ErrStartLine
	}
	if len(line) > 12 {
		// The space before an empty reason is often left out.
		if line[12] != ' ' || !all(line[13:], isValue) {
			return ErrStartLine
		}
		r.Reason = line[13:]
	}
	return nil
}

// Bodiless reports whether a response has no body whatever its fields say
// (RFC 9112, section 6.3).
func (r *Response) Bodiless(toHEAD bool) bool {
	return toHEAD || r.Status < 200 || r.Status == 204 || r.Status == 304
}
