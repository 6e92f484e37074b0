package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// readLatencies reads h2load's log of requests and returns how long those took that
// were answered, in microseconds and in ascending order.
func readLatencies(file string) ([]float64, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var latencies []float64
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		latency, answered, err := parseLogged(lines.Text())
		if err != nil {
			return nil, err
		}
		if answered {
			latencies = append(latencies, latency)
		}
	}
	slices.Sort(latencies)
	return latencies, lines.Err()
}

// parseLogged reads a line of start time, status and duration. The status of a
// stream that failed is -1.
func parseLogged(line string) (micros float64, answered bool, err error) {
	columns := strings.Split(line, "\t")
	if len(columns) < 3 {
		return 0, false, fmt.Errorf("h2load logged %q, which has no three columns", line)
	}
	micros, err = strconv.ParseFloat(columns[2], 64)
	return micros, columns[1] != "-1", err
}

// percentile is the least value that so large a share of the values does not
// exceed; zero when there is none. The values ascend.
func percentile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return values[max(0, int(math.Ceil(share*float64(len(values))))-1)]
}
