package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// sleeps is how often the threads of processes have waited for something so far. A
// proxy that has always something to do takes many events at once, and each of them
// costs it less.
func sleeps(pids ...int) (sum int, err error) {
	for _, pid := range pids {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		if err != nil || len(files) == 0 {
			return 0, fmt.Errorf("process %d has no status: %w", pid, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return 0, err
			}
			n, err := parseSleeps(string(text))
			if err != nil {
				return 0, fmt.Errorf("%s: %w", file, err)
			}
			sum += n
		}
	}
	return sum, nil
}

// parseSleeps finds the line of voluntary context switches (proc(5)).
func parseSleeps(status string) (int, error) {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
			return strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return 0, fmt.Errorf("no voluntary context switches in %q", status)
}
