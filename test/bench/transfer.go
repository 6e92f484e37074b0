package main

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// transfers has the sink read what the source sends through the target, and
// counts what both cost: a proxy that saves its own CPU time can cost the
// others theirs.
func transfers(ctx context.Context, t target, seconds int, w workload) (loaded, error) {
	before, err := cpuTime(t.source.pid())
	if err != nil {
		return loaded{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds+10)*time.Second)
	defer cancel()
	var out strings.Builder
	sink := exec.CommandContext(ctx, "taskset", "-c", loadCPU, t.file("bulk"), "take",
		strconv.Itoa(t.port), strconv.Itoa(w.connections), strconv.Itoa(seconds))
	sink.Stdout = &out
	if err := sink.Run(); err != nil {
		return loaded{}, err
	}
	after, err := cpuTime(t.source.pid())
	if err != nil {
		return loaded{}, err
	}
	l, err := parseTaken(out.String())
	l.ends = after - before + sink.ProcessState.UserTime() + sink.ProcessState.SystemTime()
	return l, err
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
