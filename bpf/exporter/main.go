// Command fleetgate-sensor counts, from the kernel, the requests and
// connections of the proxy in the same pod, and serves them as metrics.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/bpf/internal/app"
	"github.com/fleetgate/fleetgate/bpf/internal/supervise"
)

// version is set when a release is built.
var version = "dev"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fleetgate-sensor:", err)
		os.Exit(1)
	}
}

func run() error {
	o := app.Options{
		Version: version,
		Log:     logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil)),
	}
	flag.StringVar(&o.Socket, "probe-socket", "/run/fleetgate/probe.sock", "path of the socket that the proxy connects to")
	flag.StringVar(&o.MetricsAddress, "metrics-address", ":19002", "address of /metrics and /healthz")
	flag.StringVar(&o.CgroupRoot, "cgroup-root", "", "mount of the node's cgroup v2 hierarchy, for nodes whose containers do not see it")
	flag.StringVar(&o.PodUID, "pod-uid", "", "UID of the own pod; no other pod's cgroup is attached to")
	flag.StringVar(&o.Mode, "mode", app.ModeAuto, "how requests are counted: auto, uprobe or shm")
	flag.Parse()
	if err := o.Validate(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if supervise.IsWorker() {
		return app.Run(supervise.Lifeline(ctx), o)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding own executable: %w", err)
	}
	return supervise.Run(ctx, supervise.Options{
		Path:       self,
		Args:       os.Args[1:],
		Output:     os.Stderr,
		FirstPause: 200 * time.Millisecond,
		LastPause:  10 * time.Second,
		Steady:     time.Minute,
		Log:        o.Log,
	})
}
