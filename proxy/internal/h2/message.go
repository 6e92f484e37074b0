package h2

import (
	"errors"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// Why a section is malformed, beside the reasons of package h1.
var (
	errPseudo  = errors.New("pseudo-header field that is unknown, repeated, missing or in the wrong place")
	errLength  = errors.New("body differs from its announced length")
	errInterim = errors.New("interim response that ends the stream")
)

// The pseudo-header fields of a request.
const (
	method = iota
	scheme
	authority
	path
	protocolField
	numPseudo
)

var pseudoNames = [numPseudo]string{":method", ":scheme", ":authority", ":path", ":protocol"}

// requestFields builds a request.
type requestFields struct {
	r       *h1.Request
	values  [numPseudo][]byte
	seen    uint8
	regular bool
}

func (q *requestFields) begin(r *h1.Request) {
	q.r, q.seen, q.regular = r, 0, false
	for i := range q.values {
		q.values[i] = q.values[i][:0]
	}
}

func (q *requestFields) field(name, value []byte) error {
	if len(name) == 0 || name[0] != ':' {
		q.regular = true
		return q.r.Add(name, value)
	}
	for i, s := range pseudoNames {
		if string(name) != s {
			continue
		}
		if q.regular || q.seen&(1<<i) != 0 || len(value) == 0 {
			return errPseudo
		}
		q.seen |= 1 << i
		// The value may be gone with the next field.
		q.values[i] = append(q.values[i], value...)
		return nil
	}
	return errPseudo
}

func (q *requestFields) complete() error {
	v := &q.values
	return q.r.Complete(h1.Target{Method: v[method], Scheme: v[scheme], Authority: v[authority], Path: v[path], Protocol: v[protocolField]})
}

// responseFields builds a response.
type responseFields struct {
	r       *h1.Response
	status  [3]byte
	seen    bool
	regular bool
}

func (q *responseFields) field(name, value []byte) error {
	if len(name) == 0 || name[0] != ':' {
		q.regular = true
		return q.r.Add(name, value)
	}
	if string(name) != ":status" || q.seen || q.regular || len(value) != len(q.status) {
		return errPseudo
	}
	q.seen = true
	copy(q.status[:], value)
	return nil
}

func (q *responseFields) complete() error {
	if !q.seen {
		return errPseudo
	}
	return q.r.Complete(q.status[:])
}

// trailerFields builds a trailer section.
type trailerFields struct {
	section []byte
	n       int
}

func (t *trailerFields) field(name, value []byte) (err error) {
	if t.n++; t.n > h1.MaxFields {
		return h1.ErrTooManyFields
	}
	t.section, err = h1.AppendTrailer(t.section, name, value)
	return err
}

// codeOf returns what a stream is reset with because its message is malformed.
func codeOf(malformed error) Code {
	if errors.Is(malformed, h1.ErrHeadTooLarge) || errors.Is(malformed, h1.ErrTooManyFields) {
		return EnhanceYourCalm
	}
	return ProtocolError
}
