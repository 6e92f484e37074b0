package app

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/accesslog"
	"github.com/fleetgate/fleetgate/proxy/internal/admin"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/configsource"
	"github.com/fleetgate/fleetgate/proxy/internal/health"
	"github.com/fleetgate/fleetgate/proxy/internal/listener"
	"github.com/fleetgate/fleetgate/proxy/internal/metrics"
	"github.com/fleetgate/fleetgate/proxy/internal/otlp"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/probe"
	"github.com/fleetgate/fleetgate/proxy/internal/resolve"
	"github.com/fleetgate/fleetgate/proxy/internal/session"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// proxy is the parts of one proxy.
type proxy struct {
	options  Options
	epoch    time.Time
	draining atomic.Bool
	// open says that the ports of a configuration have been opened.
	open atomic.Bool

	current     atomic.Pointer[snapshot.Snapshot]
	settings    *proxyconfig.Settings // those in effect; nil for the options alone
	least       slog.Level            // of the log, where settings have none
	publishing  sync.Mutex
	registry    *balance.Registry
	resolver    *resolve.Resolver
	requests    *metrics.Requests
	accessLog   *accesslog.Log // nil when there is nowhere to write it
	probe       *probe.Client
	spans       *otlp.Exporter
	gate        *overload.Gate
	engine      *listener.Set
	coordinator *configsource.Coordinator
	saved       *configsource.SavedConfig // nil when nothing is kept
	mounted     *configsource.MountedConfig
	gatherer    *prometheus.Registry
	// applied holds one signal that a configuration came into effect.
	applied chan struct{}
}

// newProxy makes the parts. Nothing runs yet but the engine, without a port.
func newProxy(o Options) (*proxy, error) {
	// The engine has a driver of its own for TLS, with as many loops again, and
	// one more observer for what is below HTTP.
	observed := 2*o.Loops + 1
	p := &proxy{
		options:  o,
		applied:  make(chan struct{}, 1),
		least:    o.LogLevel.Level(),
		epoch:    time.Now(),
		registry: balance.NewRegistry(balance.Options{AllowLoopback: o.AllowLoopbackBackends, Zone: o.Zone}),
		gate:     overload.NewGate(o.Limits),
		requests: metrics.NewRequests(observed),
		probe:    probe.New(probe.Options{Socket: o.ProbeSocket, Log: o.Log.WithName("probe")}),
	}
	p.spans = otlp.New(p.spanOptions())
	if o.AccessLogOut != nil {
		p.accessLog = accesslog.New(accesslog.Options{
			Mode: accessLogMode(o.AccessLog, nil), Out: o.AccessLogOut, Loops: observed, Log: o.Log.WithName("accesslog"),
		})
	}
	if o.ConfigDir != "" {
		p.mounted = &configsource.MountedConfig{Dir: o.ConfigDir, Poll: mountPoll, Log: o.Log.WithName("mount")}
	}
	if o.StateDir != "" {
		p.saved = &configsource.SavedConfig{Dir: o.StateDir}
	}
	p.resolver = resolve.New(resolve.Options{
		Registry: p.registry, Lookup: o.Lookup, Changed: p.publish, Problems: func() { p.coordinator.Renew() }, Log: o.Log.WithName("resolve"),
	})
	p.coordinator = configsource.New(p.coordinatorOptions())
	p.gatherer = p.newGatherer()
	var err error
	p.engine, err = listener.New(listener.Options{
		Loops: o.Loops, Bind: o.Bind, Observers: p.observer, Snapshot: &p.current,
		Log: o.Log.WithName("listener"), DrainGrace: o.DrainGrace, TrustedHops: o.TrustedHops, Gate: p.gate,
		Spans: p.spans, Slow: p.slow, Sockets: o.Sockets,
	})
	if err != nil {
		return nil, fmt.Errorf("starting the engine: %w", err)
	}
	return p, nil
}

// spanOptions name the process by its host, which for a pod is its name.
func (p *proxy) spanOptions() otlp.Options {
	host, _ := os.Hostname()
	return otlp.Options{
		Permit: p.registry.Permit, Now: p.now, Instance: host, Version: p.options.Version,
		Log: p.options.Log.WithName("otlp"),
	}
}

func (p *proxy) coordinatorOptions() configsource.Options {
	o := configsource.Options{
		GatewayUID: p.options.Gateway.UID,
		Registry:   p.registry,
		Apply:      p.apply,
		Hostnames:  p.registry.HostnameProblems,
		Now:        time.Now,
		Log:        p.options.Log.WithName("config"),

		SessionSecret: (&session.Source{Dir: p.options.AdminDir}).Secret,
	}
	if p.saved != nil {
		o.Save = p.saved.Save
	}
	return o
}

// observer puts together what is told of the requests of one loop.
func (p *proxy) observer(loop int) traffic.Observer {
	all := observers{p.requests.Observer(loop)}
	if p.options.ProbeSocket != "" {
		all = append(all, p.probe.Observer())
	}
	if p.accessLog != nil {
		all = append(all, p.accessLog.Observer(loop))
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}

// apply makes a snapshot the one that serves. A port that cannot be opened
// refuses its listeners.
func (p *proxy) apply(s *snapshot.Snapshot) []proxyconfig.RefusedItem {
	// Bounds hold before the ports are open that they are for.
	p.adopt(s.Settings)
	p.current.Store(s)
	p.spans.Follow(s.Spans)
	var refused []proxyconfig.RefusedItem
	for _, failed := range p.engine.Apply(s) {
		for l := range s.Config.ListenerPieces().All() {
			if uint16(l.Port) == failed.Port && (l.Protocol == proxyconfig.UDP) == failed.UDP {
				refused = append(refused, proxyconfig.RefusedItem{Kind: proxyconfig.KindListener, Name: l.Name, Reason: failed.Error()})
			}
		}
	}
	p.open.Store(true)
	p.publish()
	select {
	case p.applied <- struct{}{}:
	default:
	}
	return refused
}

// publish tells the sensor what the snapshot that serves stands for.
func (p *proxy) publish() {
	p.publishing.Lock()
	defer p.publishing.Unlock()
	if s := p.current.Load(); s != nil && p.options.ProbeSocket != "" {
		p.probe.Publish(newTables(s, p.registry.External()))
	}
}

// notReady says why the proxy should get no new connections.
func (p *proxy) notReady() string {
	switch {
	case p.draining.Load():
		return "shutting down"
	case !p.open.Load():
		return "no configuration serves yet"
	}
	return ""
}

// loadFiles serves what is at hand in files. The certificates come first, for a
// saved configuration needs those of the mount.
func (p *proxy) loadFiles() {
	var mounted configsource.Observation
	if p.mounted != nil {
		var err error
		if mounted, err = p.mounted.Read(); err != nil {
			p.options.Log.Error(err, "Started without the mounted configuration")
		} else {
			p.coordinator.Observe(configsource.Observation{Source: configsource.Mount, Certificates: mounted.Certificates})
		}
	}
	if p.saved != nil {
		saved, err := p.saved.Load()
		if err != nil {
			p.options.Log.Error(err, "Started without the saved configuration")
		}
		p.coordinator.Observe(saved)
	}
	if mounted.Document != nil {
		p.coordinator.Observe(mounted)
	}
}

// watchLoad has the gate follow how much the process is asked to do.
func (p *proxy) watchLoad(ctx context.Context) {
	overload.NewMonitor(overload.Options{
		Gate: p.gate, Queues: p.engine.Queues(), Log: p.options.Log.WithName("overload"),
	}).Run(ctx)
}

// now is the clock by which endpoints are ejected, in nanoseconds. The engine's
// own began a moment later, which is nothing beside the times of ejections.
func (p *proxy) now() int64 { return int64(time.Since(p.epoch)) }

// sentProxy is snapshot.Snapshot.SentProxy of the one that serves.
func (p *proxy) sentProxy(c *balance.Cluster) proxyconfig.ProxyVersion {
	if s := p.current.Load(); s != nil {
		return s.SentProxy(c)
	}
	return ""
}

// follow starts the lanes, the coordinator and the checks of endpoints.
func (p *proxy) follow(ctx context.Context, wg *sync.WaitGroup) {
	observations := make(chan configsource.Observation)
	wg.Go(func() { p.coordinator.Run(ctx, observations) })
	wg.Go(func() { health.New(health.Options{Registry: p.registry, Now: p.now, SentProxy: p.sentProxy}).Run(ctx) })
	if p.mounted != nil {
		wg.Go(func() { p.mounted.Run(ctx, observations) })
	}
	if watched := p.watched(); watched != nil {
		wg.Go(func() { watched.Run(ctx, observations) })
	}
}

// watched is the watched lane, or nil when it is off or cannot be had: a proxy
// that has its files serves by them.
func (p *proxy) watched() *configsource.WatchedConfig {
	w := p.options.Watch
	if w.ConfigMap == "" {
		return nil
	}
	if w.Client == nil {
		var err error
		if w.Client, err = configsource.NewInClusterClient(p.options.Gateway.Namespace); err != nil {
			p.options.Log.Error(err, "Cannot watch the configuration, following the files alone")
			return nil
		}
	}
	return &configsource.WatchedConfig{
		Client: w.Client, ConfigMap: w.ConfigMap, Secrets: w.Secrets, Serving: p.coordinator.Serving,
		Random: rand.Float64, Log: p.options.Log.WithName("watch"),
	}
}

// ports opens the proxy's own ports.
func (p *proxy) ports(ctx context.Context) ([]*admin.Server, error) {
	log := p.options.Log.WithName("admin")
	health, err := admin.Listen(p.options.HealthAddress, admin.Health{NotReady: p.notReady, Metrics: p.gatherer}.Handler(), nil, log)
	if err != nil {
		return nil, err
	}
	servers := []*admin.Server{health}
	addresses := Addresses{Health: health.Addr().String()}
	credentials := &admin.Credentials{Dir: p.options.AdminDir}
	if credentials.Present() {
		handler := admin.Admin{Credentials: credentials, Reporter: p.coordinator, Running: ctx}.Handler()
		server, err := admin.Listen(p.options.AdminAddress, handler, credentials.TLS(), log)
		if err != nil {
			health.Close()
			return nil, err
		}
		servers = append(servers, server)
		addresses.Admin = server.Addr().String()
	}
	if p.options.Started != nil {
		p.options.Started(addresses)
	}
	return servers, nil
}
