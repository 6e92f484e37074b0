// Command fleetgate-sensor counts, from the kernel, the requests and
// connections of the proxy in the same pod, and serves them as metrics. As
// "fleetgate-sensor node-agent" it counts connections for the sensors of its
// node that may not do so themselves.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/bpf/internal/app"
	"github.com/fleetgate/fleetgate/bpf/internal/collect"
	"github.com/fleetgate/fleetgate/bpf/internal/supervise"
)

// version is set when a release is built, and proxyBuild to the build ID of the
// proxy that is built with it.
var (
	version    = "dev"
	proxyBuild string
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fleetgate-sensor:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) > 1 && os.Args[1] == nodeAgent {
		return runNodeAgent(os.Args[2:])
	}
	o := app.Options{
		Version:    version,
		ProxyBuild: proxyBuild,
		Log:        logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil)),
	}
	flag.StringVar(&o.Socket, "probe-socket", "/run/fleetgate/probe.sock", "path of the socket that the proxy connects to")
	flag.StringVar(&o.MetricsAddress, "metrics-address", ":19002", "address of /metrics and /healthz")
	flag.StringVar(&o.CgroupRoot, "cgroup-root", "", "mount of the node's cgroup v2 hierarchy, for nodes whose containers do not see it")
	flag.StringVar(&o.PodUID, "pod-uid", "", "UID of the own pod; no other pod's cgroup is attached to")
	agentHost := flag.String("node-agent-host", "", "host of the node's agent, which counts connections if this process may not")
	agentPort := flag.Int("node-agent-port", 19003, "port of the agent")
	flag.StringVar(&o.AgentToken, "node-agent-token", "", "path of the token that the agent knows the pod by")
	flag.StringVar(&o.AgentAuthorities, "node-agent-authorities", "", "path of the certificates that the agent may present")
	flag.StringVar(&o.Mode, "mode", app.ModeAuto, "how requests are counted: auto, uprobe or shm")
	flag.IntVar(&o.MaxSeries, "max-series", collect.DefaultMaxSeries, "most series that a scrape may have")
	flag.Parse()
	if *agentHost != "" {
		o.Agent = net.JoinHostPort(*agentHost, strconv.Itoa(*agentPort))
	}
	if err := o.Validate(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if supervise.IsWorker() {
		tuneWorker()
		return app.Run(supervise.Lifeline(ctx), o)
	}
	tuneSupervisor()
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
