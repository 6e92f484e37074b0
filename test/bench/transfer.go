package main

import (
	"errors"
	"strconv"
	"time"
)

// transfers has the sink read what the source sends through the target.
var transfers = generator{
	command: func(t target, seconds int, w workload) []string {
		return []string{t.file("bulk"), "take", strconv.Itoa(t.port), strconv.Itoa(w.connections), strconv.Itoa(seconds)}
	},
	parse: func(out string, _ int) (loaded, error) { return parseTaken(out) },
}

func parseTaken(out string) (loaded, error) {
	var l loaded
	var micros int64
	if err := scanResult(out, &l.bytes, &micros); err != nil {
		return loaded{}, err
	}
	if l.bytes == 0 || micros == 0 {
		return loaded{}, errors.New("nothing was transferred")
	}
	l.duration = time.Duration(micros) * time.Microsecond
	return l, nil
}
