package main

import (
	"errors"
	"strconv"
	"time"
)

// wrkReport has wrk write its figures in one line: wrk itself knows no
// percentile past the 99th. It defines nothing that wrk calls per request.
const wrkReport = `done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %.0f %.0f %.0f\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
`

// reportFile holds wrkReport.
const reportFile = "report.lua"

// wrk asks as often as its connections get answers, from one thread. An answer that
// comes while it is stopped waits longer than wrk does by default.
var wrk = generator{
	command: func(t target, seconds int, w workload) []string {
		return []string{
			"wrk", "--latency", "--timeout", "60s", "-t1", "-c" + strconv.Itoa(w.connections), "-d" + strconv.Itoa(seconds) + "s",
			"-s", t.file(reportFile), "-H", "Host: " + host, t.url(w.path),
		}
	},
	parse: func(out string, _ int) (loaded, error) { return parseWrk(out) },
}

// parseWrk finds the line of wrkReport in wrk's output.
func parseWrk(out string) (loaded, error) {
	var l loaded
	var micros int64
	if err := scanResult(out, &l.requests, &micros, &l.errors, &l.p50, &l.p99, &l.p999); err != nil {
		return loaded{}, err
	}
	if l.requests == 0 || micros == 0 {
		return loaded{}, errors.New("no request was answered")
	}
	l.duration = time.Duration(micros) * time.Microsecond
	return l, nil
}
