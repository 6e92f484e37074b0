package main

import (
	"errors"
	"strconv"
	"time"
)

// paced asks at a fixed rate whether or not answers come, and counts latencies
// from when requests were due.
var paced = generator{
	command: func(t target, seconds int, w workload) []string {
		return []string{
			t.file("paced"), strconv.Itoa(t.port), host, strconv.Itoa(w.rate), strconv.Itoa(seconds), strconv.Itoa(w.connections),
		}
	},
	parse: func(out string, _ int) (loaded, error) { return parsePaced(out) },
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
