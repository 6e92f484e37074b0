package main

import (
	"fmt"
	"strconv"
	"strings"
)

// sleeps is how often the threads of processes have waited for something so far. A
// proxy that has always something to do takes many events at once, and each of them
// costs it less.
func sleeps(pids ...int) (sum int, err error) {
	err = eachThread("status", pids, func(text string) error {
		n, err := parseSleeps(text)
		sum += n
		return err
	})
	return sum, err
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
