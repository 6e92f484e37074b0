package message

import (
	"errors"
	"fmt"
)

// Request is a request as one reader understood it.
type Request struct {
	Method, Target, Host string
	// Fields are in their order, with the names as they came.
	Fields  []Field
	Body    string
	Trailer []Field
}

// Field is one field line.
type Field struct{ Name, Value string }

// ErrIncomplete says that more bytes are needed.
var ErrIncomplete = errors.New("the request is incomplete")

// Reader reads the request that b begins with, and returns how many bytes it
// has. A strict reader's error is ErrIncomplete where b is too short; those of
// the others may be any.
type Reader struct {
	Name string
	Read func(b []byte) (r *Request, n int, err error)
}

// Readers are all of them.
var Readers = []Reader{{"strict", Strict}, {"lenient", Lenient}, {"net/http", Standard}}

// ReadAll reads the requests that b consists of, with each reader, and returns
// them as the strict one has them. It is an error if one reader cannot read them
// to the last byte, or if two differ.
func ReadAll(b []byte) ([]*Request, error) {
	var want []*Request
	for i, reader := range Readers {
		got, err := readAll(reader, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", reader.Name, err)
		}
		if i == 0 {
			want = got
			continue
		}
		if err := sameRequests(got, want); err != nil {
			return nil, fmt.Errorf("%s and %s differ: %w", Readers[0].Name, reader.Name, err)
		}
	}
	return want, nil
}

func readAll(reader Reader, b []byte) (all []*Request, err error) {
	for len(b) > 0 {
		r, n, err := reader.Read(b)
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", len(all)+1, err)
		}
		all, b = append(all, r), b[n:]
	}
	return all, nil
}

func sameRequests(got, want []*Request) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d and %d requests", len(want), len(got))
	}
	for i := range want {
		if g, w := got[i].String(), want[i].String(); g != w {
			return fmt.Errorf("%s and %s", w, g)
		}
	}
	return nil
}

// String shows what recipients must agree on.
func (r *Request) String() string {
	return fmt.Sprintf("%s %s host %q body %q", r.Method, r.Target, r.Host, r.Body)
}

// Values returns the values of the fields called name, which is in lower case.
func (r *Request) Values(name string) (values []string) {
	for _, f := range r.Fields {
		if lower(f.Name) == name {
			values = append(values, f.Value)
		}
	}
	return values
}

// lower brings ASCII into lower case, and nothing else.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
