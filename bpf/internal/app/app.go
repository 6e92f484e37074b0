package app

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
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/bpf/internal/collect"
	"github.com/fleetgate/fleetgate/bpf/internal/handshake"
	"github.com/fleetgate/fleetgate/bpf/internal/procnet"
	"github.com/fleetgate/fleetgate/bpf/internal/sockdiag"
)

// Modes that can be asked for.
const (
	ModeAuto   = "auto"
	ModeUprobe = "uprobe"
	ModeShared = "shm"
)

// Options are the sensor's settings.
type Options struct {
	// Socket is the path of the socket that the proxy connects to.
	Socket string
	// MetricsAddress is that of /metrics and /healthz.
	MetricsAddress string
	// CgroupRoot is where the node's cgroup v2 hierarchy is mounted. If it is
	// empty, only the directory that the proxy hands over is used.
	CgroupRoot string
	// PodUID is that of the own pod.
	PodUID string
	// Agent is the address of the node's agent, which counts connections if
	// this process may not; empty if there is none. AgentToken is the path of
	// the token that it knows the pod by, and AgentAuthorities that of the
	// certificates that it may present.
	Agent, AgentToken, AgentAuthorities string
	// Mode is one of the modes above.
	Mode string
	// MaxSeries is the most series that a scrape may have.
	MaxSeries int
	Version   string
	// ProxyBuild is the Go build ID of the only proxy to attach to; empty for
	// whichever.
	ProxyBuild string
	Log        logr.Logger
}

// Validate says what is wrong with the options.
func (o Options) Validate() error {
	switch {
	case o.Socket == "":
		return errors.New("the path of the probe's socket is missing")
	case o.Mode != ModeAuto && o.Mode != ModeUprobe && o.Mode != ModeShared:
		return fmt.Errorf("mode %q is none of %s, %s and %s", o.Mode, ModeAuto, ModeUprobe, ModeShared)
	}
	return nil
}

// shutdown is how long a scrape may take to finish.
const shutdown = 3 * time.Second

// expireEvery is how often numbers of removed routes and backends are cleared.
const expireEvery = 15 * time.Second

// Run runs the sensor until ctx is done; everything is detached when it
// returns.
func Run(ctx context.Context, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	s, err := newSensor(o)
	if err != nil {
		return err
	}
	defer s.close()

	listener, err := net.Listen("tcp", o.MetricsAddress)
	if err != nil {
		return fmt.Errorf("listening for scrapes: %w", err)
	}
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute}
	socket, err := handshake.Listen(handshake.Options{Path: o.Socket, Handler: s, Log: o.Log})
	if err != nil {
		listener.Close()
		return err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := []func() error{
		func() error { return socket.Run(ctx) },
		func() error { return s.expire(ctx) },
		func() error { return s.askAgent(ctx) },
		func() error {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serving metrics: %w", err)
			}
			return nil
		},
		func() error {
			<-ctx.Done()
			deadline, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
			defer stop()
			if server.Shutdown(deadline) != nil {
				server.Close()
			}
			return nil
		},
	}
	ended := make(chan error)
	for _, part := range parts {
		go func() { ended <- part() }()
	}
	// The first part to fail stops the others.
	var first error
	for range parts {
		if err := <-ended; err != nil {
			cancel(err)
			first = errors.Join(first, err)
		}
	}
	return first
}

// handler serves the metrics, and that the process is alive.
func (s *sensor) handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.collector)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 2,
		// To compress takes more memory than everything else about a scrape, and
		// some hundred series are some ten kilobytes.
		DisableCompression: true,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	return mux
}

func (s *sensor) newCollector() *collect.Collector {
	return collect.New(collect.Options{
		Directory: s.directory,
		State:     s.state,
		Kernel:    func() (procnet.Counters, error) { return procnet.Read("/proc/self/net") },
		Sockets:   sockdiag.Each,
		Release:   release(),
		Version:   s.options.Version,
		MaxSeries: s.options.MaxSeries,
	})
}

// release returns the kernel's version.
func release() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(name.Release[:])
}
