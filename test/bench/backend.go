package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// backend is what engines forward to.
type backend struct {
	*process
	// count is the file in which it counts what it has answered.
	count string
}

// backends by the fronts that lead to them.
type backends map[front]backend

// startBackends starts them all. What it returns runs, with an error too.
func startBackends(ctx context.Context, work string) (backends, error) {
	all := backends{}
	for _, b := range []struct {
		port    int
		command []string
		fronts  []front
	}{
		{backendPort, []string{"backend"}, []front{plain, secure, clear2}},
		{callsPort, []string{"grpc"}, []front{calls}},
		{streamPort, []string{"bulk", "serve"}, []front{stream}},
	} {
		program := filepath.Join(work, b.command[0])
		count := program + ".count"
		command := append(append([]string{program}, b.command[1:]...), strconv.Itoa(b.port), count)
		p, err := start(ctx, loadCPU, b.port, program+".log", command...)
		if err != nil {
			return all, err
		}
		for _, f := range b.fronts {
			all[f] = backend{p, count}
		}
	}
	return all, nil
}

func (all backends) stop() {
	for _, b := range all {
		b.process.stop()
	}
}

// done is how many requests the backend has answered since it was started, or how
// many bytes it has sent.
func (b backend) done() (int64, error) {
	data, err := os.ReadFile(b.count)
	if err != nil {
		return 0, err
	}
	return parseCount(data)
}

// parseCount reads what native/count.h writes.
func parseCount(data []byte) (int64, error) {
	if len(data) != 8 {
		return 0, fmt.Errorf("a count has %d bytes, not 8", len(data))
	}
	return int64(binary.NativeEndian.Uint64(data)), nil
}
