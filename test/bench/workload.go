package main

// workload is one thing that is asked of all engines.
type workload struct {
	// name is unique; bars refer to it.
	name string
	// path chooses the body that the backend answers with.
	path        string
	bytes       int
	connections int
	// spinner keeps the proxy's CPU from ever being idle, so that no engine pays
	// for waking it up, nor gains from being late.
	spinner bool
}

// The workloads, by the names that the document uses.
const (
	small64    = "1 KiB, 64 connections"
	small512   = "1 KiB, 512 connections"
	saturated  = "1 KiB, 64 connections, saturated"
	middle     = "100 KiB, 64 connections"
	large      = "1 MiB, 64 connections"
	idleMemory = "idle connection"
)

func workloads() []workload {
	return []workload{
		{name: small64, path: "/1k", bytes: 1 << 10, connections: 64},
		{name: small512, path: "/1k", bytes: 1 << 10, connections: 512},
		{name: saturated, path: "/1k", bytes: 1 << 10, connections: 64, spinner: true},
		{name: middle, path: "/100k", bytes: 100 << 10, connections: 64},
		{name: large, path: "/1m", bytes: 1 << 20, connections: 64},
	}
}
