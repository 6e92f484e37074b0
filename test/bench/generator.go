package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// generator is a program that loads a target.
type generator struct {
	// command has it do so for some seconds.
	command func(t target, seconds int, w workload) []string
	// parse reads what it writes at the end of as many seconds.
	parse func(out string, seconds int) (loaded, error)
	// log is the option of a program that knows no percentiles, but can log each
	// request.
	log string
}

// loaded is what the load generator says of one run. Latencies are in
// microseconds; zero means that they were not measured.
type loaded struct {
	requests       int
	duration       time.Duration
	errors         int
	p50, p99, p999 float64
	// late is the 99th percentile of how late requests were sent.
	late float64
	// bytes are set where work is counted in them.
	bytes int64
}

// loads runs the program to its end.
func (g generator) loads(ctx context.Context, t target, seconds int, w workload) (loaded, error) {
	command := g.command(t, seconds, w)
	if g.log == "" {
		out, err := generate(ctx, seconds, command...)
		if err != nil {
			return loaded{}, err
		}
		return g.parse(out, seconds)
	}
	log := t.file("requests.log")
	defer os.Remove(log)
	out, err := generate(ctx, seconds, append(command, g.log+log)...)
	if err != nil {
		return loaded{}, err
	}
	l, err := g.parse(out, seconds)
	if err != nil {
		return loaded{}, err
	}
	latencies, err := readLatencies(log)
	l.p50, l.p99, l.p999 = percentile(latencies, 0.5), percentile(latencies, 0.99), percentile(latencies, 0.999)
	return l, err
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

// writeLoadFiles puts what generators read into the folder of their targets.
func writeLoadFiles(work string) error {
	t := target{work: work}
	if err := os.WriteFile(t.file(reportFile), []byte(wrkReport), 0o644); err != nil {
		return err
	}
	return os.WriteFile(t.file(messageFile), message(), 0o644)
}
