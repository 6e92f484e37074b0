package main

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// paced asks at a fixed rate whether or not answers come, and counts latencies
// from when requests were due.
func paced(ctx context.Context, t target, seconds int, w workload) (loaded, error) {
	out, err := generate(ctx, seconds, t.file("paced"), strconv.Itoa(t.port), host,
		strconv.Itoa(w.rate), strconv.Itoa(seconds), strconv.Itoa(w.connections))
	if err != nil {
		return loaded{}, err
	}
	return parsePaced(out)
}

func parsePaced(out string) (loaded, error) {
	var l loaded
	var micros int64
	if err := scanResult(out, &l.requests, &micros, &l.errors, &l.p50, &l.p99, &l.p999, &l.late); err != nil {
		return loaded{}, err
	}
	if l.requests == 0 || micros == 0 {
		return loaded{}, errors.New("no request was answered")
	}
	l.duration = time.Duration(micros) * time.Microsecond
	return l, nil
}
