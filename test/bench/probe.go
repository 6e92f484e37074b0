package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// probe makes sure that a target gives the right answer before it is measured.
func (w workload) probe(ctx context.Context, t target) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if t.front == stream {
		return probeStream(ctx, t)
	}
	method, body := http.MethodGet, io.Reader(nil)
	if t.front == calls {
		method, body = http.MethodPost, bytes.NewReader(message())
	}
	request, err := http.NewRequestWithContext(ctx, method, t.url(w.path), body)
	if err != nil {
		return err
	}
	// Where the port is not the scheme's own, load generators leave it out too.
	request.Host = host
	if t.front == calls {
		request.Header.Set("Content-Type", "application/grpc")
		request.Header.Set("TE", "trailers")
	}
	answer, err := t.client(w.streams > 0).Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || n != int64(w.bytes) {
		return errors.Join(fmt.Errorf("the answer is %s with %d bytes, not %d", answer.Status, n, w.bytes), err)
	}
	if status := answer.Trailer.Get("Grpc-Status"); t.front == calls && status != "0" {
		return fmt.Errorf("grpc-status is %q", status)
	}
	if w.streams > 0 && answer.ProtoMajor != 2 {
		return fmt.Errorf("the answer is %s", answer.Proto)
	}
	return nil
}

// probeStream reads a little of what the source sends.
func probeStream(ctx context.Context, t target) error {
	var d net.Dialer
	connection, err := d.DialContext(ctx, "tcp", address(t.port))
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	_, err = io.CopyN(io.Discard, connection, 64<<10)
	return err
}
