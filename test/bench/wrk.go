package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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

// loaded is what wrk says of one run. Latencies are in microseconds.
type loaded struct {
	requests       int
	duration       time.Duration
	errors         int
	p50, p99, p999 float64
}

// load runs wrk with one thread for some seconds.
func load(ctx context.Context, work string, port, seconds int, w workload) (loaded, error) {
	script := filepath.Join(work, "report.lua")
	if err := os.WriteFile(script, []byte(wrkReport), 0o644); err != nil {
		return loaded{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds+10)*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "taskset", "-c", loadCPU, "wrk", "--latency", "-t1",
		"-c"+strconv.Itoa(w.connections), "-d"+strconv.Itoa(seconds)+"s", "-s", script,
		"-H", "Host: "+host, "http://"+address(port)+w.path)
	out, err := cmd.Output()
	if err != nil {
		return loaded{}, fmt.Errorf("wrk: %w", err)
	}
	return parseWrk(string(out))
}

// parseWrk finds the line of wrkReport in wrk's output.
func parseWrk(out string) (loaded, error) {
	for line := range strings.Lines(out) {
		var l loaded
		var micros int64
		n, err := fmt.Sscanf(line, "RESULT %d %d %d %f %f %f", &l.requests, &micros, &l.errors, &l.p50, &l.p99, &l.p999)
		if n == 0 {
			continue
		}
		if err != nil {
			return loaded{}, fmt.Errorf("wrk's line %q: %w", line, err)
		}
		if l.requests == 0 || micros == 0 {
			return loaded{}, errors.New("wrk got no answer")
		}
		l.duration = time.Duration(micros) * time.Microsecond
		return l, nil
	}
	return loaded{}, fmt.Errorf("wrk says no result: %q", out)
}
