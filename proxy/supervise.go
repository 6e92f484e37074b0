package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/proxy/internal/app"
	"github.com/fleetgate/fleetgate/proxy/internal/supervise"
)

// oversee keeps a worker running, and returns the code to exit with.
func oversee(ctx context.Context, log logr.Logger) int {
	// This process does next to nothing, and is to take as little.
	runtime.GOMAXPROCS(1)
	debug.FreeOSMemory()
	path, err := os.Executable()
	if err != nil {
		path = "/proc/self/exe"
	}
	code, err := supervise.Run(ctx, supervise.Options{
		Path: path, Args: os.Args, Out: os.Stdout, Err: os.Stderr,
		FirstPause: 100 * time.Millisecond, LastPause: time.Second, Steady: 10 * time.Second, Most: 5,
		Log: log.WithName("supervisor"),
	})
	if err != nil {
		log.Error(err, "Stopped")
		return 1
	}
	return code
}

// inherit makes a worker of the proxy. One that is not given its sockets opens them.
func inherit(o *app.Options, before int) {
	o.Restarts = before
	sockets, err := supervise.Sockets(o.Log.WithName("supervisor"))
	if err != nil {
		o.Log.Error(err, "Nobody holds the sockets")
		return
	}
	o.Sockets = sockets
}
