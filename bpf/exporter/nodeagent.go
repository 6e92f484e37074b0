package main

import (
	"context"
	"flag"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/bpf/internal/agent"
)

// nodeAgent is the command that makes a process the agent of its node.
const nodeAgent = "node-agent"

// runNodeAgent runs the agent. Kubernetes starts it again, and sensors wait for
// it, so that nothing supervises it.
func runNodeAgent(args []string) error {
	o := agent.Options{
		AccountFolder: "/var/run/secrets/kubernetes.io/serviceaccount",
		APIServer:     apiServer(),
		Log:           logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil)),
	}
	flags := flag.NewFlagSet("fleetgate-sensor "+nodeAgent, flag.ExitOnError)
	flags.StringVar(&o.Address, "address", ":19003", "address that sensors connect to")
	flags.StringVar(&o.MetricsAddress, "metrics-address", ":19004", "address of /metrics and /healthz")
	flags.StringVar(&o.Node, "node", os.Getenv("NODE_NAME"), "name of the node (default $NODE_NAME)")
	flags.StringVar(&o.CgroupRoot, "cgroup-root", "/host/cgroup", "mount of the node's cgroup v2 hierarchy")
	flags.StringVar(&o.CertificateFolder, "certificate", "/etc/fleetgate/node-agent", "folder with tls.crt and tls.key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return agent.Run(ctx, o)
}

// apiServer is where every pod is told that it is.
func apiServer() string {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return ""
	}
	return net.JoinHostPort(host, port)
}
