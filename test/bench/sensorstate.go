package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// sensorState is what a scrape of the sensor says.
type sensorState struct {
	greeted, attached bool
	mode              string
	requests          float64
}

// scrapeSensor also returns the CPU time that it took the sensor.
func scrapeSensor(ctx context.Context, p *process, port int) (state sensorState, took time.Duration, err error) {
	pids, err := family(p.pid())
	if err != nil {
		return state, 0, err
	}
	before, err := cpuTime(pids...)
	if err != nil {
		return state, 0, err
	}
	if state, err = readSensor(ctx, port); err != nil {
		return state, 0, err
	}
	after, err := cpuTime(pids...)
	return state, after - before, err
}

func readSensor(ctx context.Context, port int) (sensorState, error) {
	text, err := get(ctx, "http://"+address(port)+"/metrics")
	if err != nil {
		return sensorState{}, err
	}
	return parseSensor(text)
}

var modeLabel = regexp.MustCompile(`^fleetgate_sensor_info\{.*l7_mode="([^"]*)"`)

// parseSensor reads the sensor's metrics.
func parseSensor(text string) (state sensorState, err error) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if m := modeLabel.FindStringSubmatch(line); m != nil {
			state.mode = m[1]
		}
		switch {
		case strings.HasPrefix(line, "fleetgate_sensor_dropped_records_total "):
			// Told as soon as a proxy has greeted.
			state.greeted = true
		case strings.HasPrefix(name, `fleetgate_sensor_hook_attached{hook="request_done"`):
			state.attached = value == "1"
		case strings.HasPrefix(name, "fleetgate_requests_total{"):
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return state, fmt.Errorf("%s: %w", name, err)
			}
			state.requests += n
		}
	}
	return state, nil
}
