package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/controller"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/install"
	"github.com/fleetgate/fleetgate/operator/internal/metrics"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/writes"
)

// shutdownTimeout bounds how long a run takes to end: what is being written is
// finished, and then the lease is released.
const shutdownTimeout = 15 * time.Second

// Run runs the operator until ctx ends.
func Run(ctx context.Context, opts Options) error {
	ctrl.SetLogger(opts.Log)
	klog.SetLogger(opts.Log.WithName("client"))
	config, err := restConfig(opts.Kubernetes)
	if err != nil {
		return err
	}
	watchWrites(config, opts.LeaderElect)
	managerOptions, err := managerOptions(opts)
	if err != nil {
		return err
	}
	mgr, err := manager.New(config, managerOptions)
	if err != nil {
		return fmt.Errorf("making the manager: %w", err)
	}
	s := &setup{mgr: mgr, opts: opts}
	if opts.LeaderElect {
		s.claim = newClaim(mgr, opts)
	}
	if err := errors.Join(
		mgr.Add(s),
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("controllers", s.ready),
	); err != nil {
		return fmt.Errorf("setting up the manager: %w", err)
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the manager: %w", err)
	}
	return nil
}

// restConfig has no limit of its own on requests: the API server shares itself
// out fairly, and a limit here would have a burst of status updates delay the
// one write that a user waits for.
func restConfig(config *rest.Config) (*rest.Config, error) {
	if config == nil {
		var err error
		if config, err = ctrl.GetConfig(); err != nil {
			return nil, fmt.Errorf("finding the API server: %w", err)
		}
	}
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.UserAgent = "fleetgate"
	return config, nil
}

// watchWrites has the requests counted that are to change something, and where there may
// be several replicas, refused once the lease is over.
func watchWrites(config *rest.Config, elect bool) {
	if elect {
		config.Wrap(writes.NewFence(leaseName, leaseDuration, time.Now).Wrap)
	}
	requests := metrics.Requests(ctrlmetrics.Registry)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return writes.Count(next, func(target writes.Target) {
			requests.WithLabelValues(target.Verb, target.Group, target.Resource).Inc()
		})
	})
}

func managerOptions(opts Options) (manager.Options, error) {
	scheme, err := cluster.NewScheme()
	if err != nil {
		return manager.Options{}, err
	}
	timeout, duration := shutdownTimeout, leaseDuration
	return manager.Options{
		Scheme:                        scheme,
		Logger:                        opts.Log,
		Cache:                         cluster.CacheOptions(opts.WatchNamespaces),
		NewClient:                     cluster.NewClient,
		MapperProvider:                cluster.NewMapper,
		Metrics:                       metricsOptions(opts),
		HealthProbeBindAddress:        opts.HealthAddress,
		LeaderElection:                opts.LeaderElect,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       opts.Namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &duration,
		GracefulShutdownTimeout:       &timeout,
	}, nil
}

func metricsOptions(opts Options) metricsserver.Options {
	options := metricsserver.Options{
		BindAddress:   opts.MetricsAddress,
		SecureServing: opts.MetricsSecure,
		CertDir:       opts.MetricsCertDir,
		// HTTP/2 brings nothing here and has had its share of attacks.
		TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }},
	}
	if opts.MetricsSecure {
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return options
}

// setup waits for the CRDs without which there is nothing to do, and then adds the
// controllers, which follow the others as they come and go. It runs in every
// replica, so that the next leader has its caches filled.
type setup struct {
	mgr  manager.Manager
	opts Options
	// claim is nil without leader election: such a process is nobody's install.
	claim *install.Claim
	done  atomic.Bool
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*setup) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable.
func (s *setup) Start(ctx context.Context) error {
	api := schema.GroupVersion(gatewayv1.GroupVersion)
	err := cluster.Wait(ctx, s.mgr.GetRESTMapper(), s.opts.Log, api.WithKind("GatewayClass"), api.WithKind("Gateway"))
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	config := controller.Config{
		ControllerName: s.opts.ControllerName, Graph: graphOptions(s.opts), Settings: s.opts.Fleet,
		WatchNamespaces: s.opts.WatchNamespaces, Registry: ctrlmetrics.Registry,
	}
	if s.claim != nil {
		if err := s.mgr.Add(s.claim); err != nil {
			return fmt.Errorf("adding the claim to the GatewayClasses: %w", err)
		}
		config.Serving = s.claim.Serving()
	}
	if err := controller.Setup(ctx, s.mgr, config); err != nil {
		return fmt.Errorf("adding the controllers: %w", err)
	}
	s.opts.Log.Info("Started the controllers", "sensor", s.opts.Fleet.Sensor, "proxyImage", s.opts.Fleet.ProxyImage)
	s.done.Store(true)
	return nil
}

func (s *setup) ready(*http.Request) error {
	if !s.done.Load() {
		return errors.New("waiting for the CRDs of the Gateway API")
	}
	if s.claim != nil {
		return s.claim.Standing()
	}
	return nil
}

func graphOptions(opts Options) graph.Options {
	return graph.Options{
		ControllerName: opts.ControllerName, ReservedPorts: provision.ReservedPorts(), Forbidden: forbidden(opts),
		ClusterDomain: or(opts.ClusterDomain, readClusterDomain(resolvConf)),
	}
}

// forbidden is what is known from the start. The addresses that the API servers
// publish come with each Gateway's resources.
func forbidden(opts Options) graph.ForbiddenBackends {
	listed := make(map[netip.AddrPort]string)
	if opts.APIServer.IsValid() {
		listed[netip.AddrPortFrom(opts.APIServer.Addr().Unmap(), opts.APIServer.Port())] = "the API server's"
	}
	for _, ip := range opts.PodIPs {
		for _, at := range []string{opts.MetricsAddress, opts.HealthAddress} {
			if port, listens := portOf(at); listens {
				listed[netip.AddrPortFrom(ip, port)] = "the operator's"
			}
		}
	}
	out := graph.ForbiddenBackends{Listed: listed}
	if opts.NodeIP.IsValid() {
		out.Nodes = []netip.Addr{opts.NodeIP}
	}
	return out
}

// portOf returns the port of an address to listen on, of which "0" is none.
func portOf(address string) (uint16, bool) {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0, false
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return uint16(port), err == nil && port > 0
}
