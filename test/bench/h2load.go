package main

import (
	"encoding/binary"
	"errors"
	"fmt"
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

// messageFile holds it.
const messageFile = "message"

// h2load asks over HTTP/2 with a fixed number of streams at once on each
// connection.
var h2load = generator{
	command: func(t target, seconds int, w workload) []string {
		command := []string{"h2load", "-t1", "-c" + strconv.Itoa(w.connections), "-m" + strconv.Itoa(w.streams), "-D" + strconv.Itoa(seconds)}
		if t.front == calls {
			command = append(command, "-d", t.file(messageFile), "-H", "content-type: application/grpc", "-H", "te: trailers")
		}
		return append(command, t.url(w.path))
	},
	parse: func(out string, seconds int) (loaded, error) {
		return parseH2load(out, time.Duration(seconds)*time.Second)
	},
	log: "--log-file=",
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
