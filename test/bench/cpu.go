package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cpuTime is the time that processes spent on a CPU so far, as the scheduler
// counted it. Threads that have ended are not in it; no engine here ends threads
// while it works.
func cpuTime(pids ...int) (sum time.Duration, err error) {
	err = eachThread("schedstat", pids, func(text string) error {
		spent, err := parseSchedstat(text)
		sum += spent
		return err
	})
	return sum, err
}

// parseSchedstat reads the first of schedstat's three fields, nanoseconds on a
// CPU (proc(5)).
func parseSchedstat(line string) (time.Duration, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return 0, fmt.Errorf("schedstat has %d fields, not 3", len(fields))
	}
	spent, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("schedstat: %w", err)
	}
	return time.Duration(spent), nil
}
