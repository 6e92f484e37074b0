package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// messageBytes is the size of a gRPC message with its prefix: one byte for the
// compression and four for the length.
const messageBytes = 5 + 16

// message is what gRPC requests carry.
func message() []byte {
	m := make([]byte, messageBytes)
	binary.BigEndian.PutUint32(m[1:], messageBytes-5)
	return m
}

// h2load asks over HTTP/2 with a fixed number of streams at once on each
// connection. It knows no percentiles, and so logs each request.
func h2load(ctx context.Context, t target, seconds int, w workload) (loaded, error) {
	log := t.file("requests.log")
	defer os.Remove(log)
	command := []string{"h2load", "-t1", "-c" + strconv.Itoa(w.connections), "-m" + strconv.Itoa(w.streams),
		"-D" + strconv.Itoa(seconds), "--log-file=" + log}
	if t.front == calls {
		file := t.file("message")
		if err := os.WriteFile(file, message(), 0o644); err != nil {
			return loaded{}, err
		}
		command = append(command, "-d", file, "-H", "content-type: application/grpc", "-H", "te: trailers")
	}
	out, err := generate(ctx, seconds, append(command, t.url(w.path))...)
	if err != nil {
		return loaded{}, err
	}
	l, err := parseH2load(out, time.Duration(seconds)*time.Second)
	if err != nil {
		return loaded{}, err
	}
	latencies, err := readLatencies(log)
	l.p50, l.p99, l.p999 = percentile(latencies, 0.5), percentile(latencies, 0.99), percentile(latencies, 0.999)
	return l, err
}

// parseH2load reads the line "requests: ..." of a run that took as long as asked.
func parseH2load(out string, asked time.Duration) (loaded, error) {
	for line := range strings.Lines(out) {
		rest, ok := strings.CutPrefix(line, "requests: ")
		if !ok {
			continue
		}
		var total, started, done, failed, errored, timeout int
		l := loaded{duration: asked}
		if _, err := fmt.Sscanf(rest, "%d total, %d started, %d done, %d succeeded, %d failed, %d errored, %d timeout",
			&total, &started, &done, &l.requests, &failed, &errored, &timeout); err != nil {
			return loaded{}, fmt.Errorf("h2load's line %q: %w", strings.TrimSpace(line), err)
		}
		if l.requests == 0 {
			return loaded{}, errors.New("no request succeeded")
		}
		l.errors = failed + errored + timeout
		return l, nil
	}
	return loaded{}, fmt.Errorf("no result in %q", out)
}
