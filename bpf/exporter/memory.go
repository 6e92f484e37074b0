package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// Memory matters more than time here: there is a sensor for each proxy, and a scrape
// in half a minute. What the environment says of the same (GOGC, GOMEMLIMIT,
// GOMAXPROCS) goes first.
const (
	// workerGC is how much garbage may come with what is in use, in per cent. Go
	// would have 4 MiB of it at least.
	workerGC = 25
	// workerProcessors keeps a large machine from having memory set aside for each of
	// its processors.
	workerProcessors = 2
	// supervisorLimit is when the supervisor looks for garbage. It makes some with
	// each process that it starts; to look for it at all takes as much memory as it
	// has.
	supervisorLimit = 16 << 20
)

func tuneWorker() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(workerGC)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(min(workerProcessors, runtime.GOMAXPROCS(0)))
	}
}

func tuneSupervisor() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(supervisorLimit)
	}
}
