package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// wrk asks as often as its connections get answers, from one thread.
func wrk(ctx context.Context, t target, seconds int, w workload) (loaded, error) {
	script := t.file("report.lua")
	if err := os.WriteFile(script, []byte(wrkReport), 0o644); err != nil {
		return loaded{}, err
	}
	out, err := generate(ctx, seconds, "wrk", "--latency", "-t1", "-c"+strconv.Itoa(w.connections),
		"-d"+strconv.Itoa(seconds)+"s", "-s", script, "-H", "Host: "+host, t.url(w.path))
	if err != nil {
		return loaded{}, err
	}
	return parseWrk(out)
}

// generate runs a load generator on its CPU and returns what it writes.
func generate(ctx context.Context, seconds int, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds+10)*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", loadCPU}, command...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command[0], err, said.String())
	}
	return string(out), nil
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

// scanResult reads the line "RESULT ..." that load generators write.
func scanResult(out string, values ...any) error {
	for line := range strings.Lines(out) {
		rest, ok := strings.CutPrefix(line, "RESULT ")
		if !ok {
			continue
		}
		if _, err := fmt.Sscan(rest, values...); err != nil {
			return fmt.Errorf("result %q: %w", strings.TrimSpace(rest), err)
		}
		return nil
	}
	return fmt.Errorf("no result in %q", out)
}
