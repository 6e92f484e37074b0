package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options are the agent's settings.
type Options struct {
	// Address is where sensors connect to, and MetricsAddress that of /metrics
	// and /healthz.
	Address, MetricsAddress string
	// Node is the name of the node that the process runs on.
	Node string
	// CgroupRoot is where the node's cgroup v2 hierarchy is mounted.
	CgroupRoot string
	// CertificateFolder has tls.crt and tls.key.
	CertificateFolder string
	// APIServer is its address, and AccountFolder has the token and the
	// authorities to ask it with.
	APIServer, AccountFolder string
	Log                      logr.Logger
}

// Validate says what is wrong with the options.
func (o Options) Validate() error {
	switch {
	case o.Node == "":
		return errors.New("the node's name is missing")
	case o.CgroupRoot == "":
		return errors.New("the mount of the node's cgroup v2 hierarchy is missing")
	case o.APIServer == "":
		return errors.New("the API server's address is missing")
	}
	return nil
}

// Run runs the agent until ctx is done; everything is detached when it returns.
func Run(ctx context.Context, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	reviewer, err := NewAPIServer(o.APIServer, o.AccountFolder)
	if err != nil {
		return err
	}
	server := NewServer(ServerOptions{
		Node: o.Node, CgroupRoot: o.CgroupRoot, Certificate: NewCertificate(o.CertificateFolder).Get,
		Reviewer: reviewer, Kernel: NewKernel(), Log: o.Log,
	})
	sensors, err := net.Listen("tcp", o.Address)
	if err != nil {
		return fmt.Errorf("listening for sensors: %w", err)
	}
	scrapes, err := net.Listen("tcp", o.MetricsAddress)
	if err != nil {
		sensors.Close()
		return fmt.Errorf("listening for scrapes: %w", err)
	}
	metrics, err := server.metrics()
	if err != nil {
		return errors.Join(err, sensors.Close(), scrapes.Close())
	}
	defer metrics.Close()
	go func() {
		if err := metrics.Serve(scrapes); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error(err, "Cannot serve metrics")
		}
	}()
	o.Log.Info("Counting for the sensors of the node", "node", o.Node, "address", sensors.Addr().String())
	return server.Serve(ctx, sensors)
}

// metrics serves what there is to know of the server, and that the process is
// alive.
func (s *Server) metrics() (*http.Server, error) {
	registry := prometheus.NewRegistry()
	if err := s.Register(registry); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute}, nil
}
