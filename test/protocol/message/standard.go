package message

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
)

// Standard reads a request as net/http's server does.
func Standard(b []byte) (*Request, int, error) {
	source := bytes.NewReader(b)
	buffered := bufio.NewReader(source)
	parsed, err := http.ReadRequest(buffered)
	if err != nil {
		return nil, 0, incomplete(err)
	}
	body, err := io.ReadAll(parsed.Body)
	if err != nil {
		return nil, 0, incomplete(err)
	}
	r := &Request{Method: parsed.Method, Target: parsed.RequestURI, Host: parsed.Host, Body: string(body)}
	r.Fields, r.Trailer = fieldsOf(parsed.Header), fieldsOf(parsed.Trailer)
	return r, len(b) - source.Len() - buffered.Buffered(), nil
}

func fieldsOf(h http.Header) (fields []Field) {
	for name, values := range h {
		for _, value := range values {
			fields = append(fields, Field{name, value})
		}
	}
	return fields
}

func incomplete(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrIncomplete
	}
	return err
}
