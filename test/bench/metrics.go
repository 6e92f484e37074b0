package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// healthAddress is where Fleetgate's metrics are by default.
const healthAddress = "127.0.0.1:19000"

// The proxy's metrics about its memory: how many objects it has allocated since
// it started, and the bytes that its heap and stacks make use of.
var (
	allocatedObjects = []string{"go_gc_heap_allocs_objects_total", "go_gc_heap_tiny_allocs_objects_total"}
	bytesInUse       = []string{
		"go_memory_classes_heap_objects_bytes", "go_memory_classes_heap_unused_bytes", "go_memory_classes_heap_stacks_bytes",
	}
)

// metrics adds up some of Fleetgate's own metrics.
func metrics(ctx context.Context, names []string) (float64, error) {
	text, err := get(ctx, "http://"+healthAddress+"/metrics")
	if err != nil {
		return 0, fmt.Errorf("the proxy's metrics: %w", err)
	}
	return parseMetrics(text, names)
}

// parseMetrics adds up metrics that have no labels. All of them must be there.
func parseMetrics(text string, names []string) (float64, error) {
	sum, found := 0.0, 0
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, " ")
		if !slices.Contains(names, name) {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s: %w", name, err)
		}
		sum, found = sum+n, found+1
	}
	if found != len(names) {
		return 0, fmt.Errorf("the proxy has %d of the metrics %s", found, strings.Join(names, ", "))
	}
	return sum, nil
}
