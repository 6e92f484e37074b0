package metrics

import (
	"cmp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/configsource"
	"github.com/fleetgate/fleetgate/proxy/internal/otlp"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// Sources are where a Collector reads from when it is scraped. All are safe for
// concurrent use.
type Sources struct {
	Requests *Requests
	Config   func() configsource.Status
	// Engine returns the open connections, the requests in progress, and what of
	// connections and datagrams below HTTP was turned away.
	Engine    func() EngineStats
	Endpoints func() balance.Counts
	Hostnames func() balance.NameCounts
	// AccessLogDropped counts dropped lines.
	AccessLogDropped func() uint64
	// Spans counts spans by what has become of them.
	Spans    func() otlp.Stats
	Draining func() bool
	// Overload returns what was refused, and why.
	Overload func() overload.Stats
	// Restarts is how many processes of this container have crashed before this one.
	Restarts int
	Version  string
	// Now is time.Now where it is nil.
	Now func() time.Time
	// MaxSeries is the most that a scrape may have. Those that are bounded by
	// themselves, of which there are fewer than 100, are there in any case.
	MaxSeries int
}

// EngineStats are the figures of the ports.
type EngineStats struct {
	Connections, Requests             int64
	RefusedSessions, DroppedDatagrams uint64
}

// Collector exports the proxy's metrics. It implements prometheus.Collector.
type Collector struct {
	sources Sources

	mu        sync.Mutex
	routes    *shown[label, codes, *codes]
	listeners *shown[string, lasted, *lasted]
}

// NewCollector returns a Collector of the sources.
func NewCollector(s Sources) *Collector {
	if s.Now == nil {
		s.Now = time.Now
	}
	return &Collector{
		sources:   s,
		routes:    newShown[label, codes](compareLabels),
		listeners: newShown[string, lasted](cmp.Compare[string]),
	}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range All() {
		out <- m.desc()
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	status := c.sources.Config()
	var s sink
	c.collectShards(&s)
	c.collectConfig(&s, &status)
	c.collectEngine(&s)
	c.collectOverload(&s)
	c.collectSpans(&s)
	s.send(accessLogDroppedTotal, float64(c.sources.AccessLogDropped()))
	s.send(draining, truth(c.sources.Draining()))
	s.send(restartsTotal, float64(c.sources.Restarts))
	s.send(buildInfo, 1, c.sources.Version, runtime.Version())
	current := status.Snapshot
	if current == nil {
		current = &snapshot.Snapshot{Config: &proxyconfig.Config{}}
	}
	collectExpiries(&s, current.Expiries)
	c.collectRequests(&s, current)
	for _, m := range s.metrics {
		out <- m
	}
}

// sink gathers what is exported. What is bounded by itself comes first: the rest
// shares what room that leaves.
type sink struct{ metrics []prometheus.Metric }

func (s *sink) send(m Metric, value float64, labels ...string) {
	s.metrics = append(s.metrics, prometheus.MustNewConstMetric(m.desc(), m.Type, value, labels...))
}

func (c *Collector) collectEngine(s *sink) {
	engine := c.sources.Engine()
	s.send(openConnections, float64(engine.Connections))
	s.send(requestsInFlight, float64(engine.Requests))
	s.send(refusedSessionsTotal, float64(engine.RefusedSessions))
	s.send(droppedDatagramsTotal, float64(engine.DroppedDatagrams))
	counts := c.sources.Endpoints()
	s.send(endpoints, float64(counts.Active), "active")
	s.send(endpoints, float64(counts.Ejected), "ejected")
	s.send(endpoints, float64(counts.Terminating), "terminating")
	names := c.sources.Hostnames()
	s.send(externalHostnames, float64(names.Resolved), "resolved")
	s.send(externalHostnames, float64(names.Stale), "stale")
	s.send(externalHostnames, float64(names.Unresolved), "unresolved")
}

// collectRequests exports durations by listener, in up to half of the room that is
// left, and requests by route.
func (c *Collector) collectRequests(s *sink, current *snapshot.Snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, room := c.sources.Now(), max(c.sources.MaxSeries-len(s.metrics), 0)
	requests, listeners := c.sources.Requests.byRoute(current.Series), listenersOf(current.Config)
	c.listeners.update(c.sources.Requests.byListener(current.Listeners), func(name string) bool { return listeners[name] }, room/2, now)
	for name, e := range c.listeners.named {
		room -= e.all.series()
		s.metrics = append(s.metrics, newHistogram(&e.all, name))
	}
	if rest := &c.listeners.rest; rest.requests() > 0 {
		room -= rest.series()
		s.metrics = append(s.metrics, newHistogram(rest, restLabel))
	}
	routes := c.routesAmong(requests, current.Config)
	exists := func(l label) bool { return routes[l.route] && listeners[l.listener] }
	c.routes.update(requests, exists, room, now)
	for l, e := range c.routes.named {
		s.requests(l, &e.all)
	}
	s.requests(label{restLabel, restLabel}, &c.routes.rest)
}

// listenersOf returns the listeners that there are. Requests without one are told by "-".
func listenersOf(c *proxyconfig.Config) map[string]bool {
	listeners := map[string]bool{noRoute: true}
	for l := range c.ListenerPieces().All() {
		listeners[l.Name] = true
	}
	return listeners
}

// routesAmong returns which routes there are among those that have requests or a name.
// They are fewer than all as a rule, of which there may be thousands for each scrape.
func (c *Collector) routesAmong(requests map[label]*codes, config *proxyconfig.Config) map[string]bool {
	type route struct{ namespace, name string }
	asked := make(map[route]string)
	ask := func(l label) {
		namespace, name, _ := strings.Cut(l.route, "/")
		asked[route{namespace, name}] = l.route
	}
	for l := range requests {
		ask(l)
	}
	for l := range c.routes.named {
		ask(l)
	}
	routes := map[string]bool{noRoute: true}
	for r := range config.RoutePieces().All() {
		if id, is := asked[route{r.Namespace, r.Name}]; is {
			routes[id] = true
		}
	}
	return routes
}

func (s *sink) requests(l label, c *codes) {
	for i, n := range c {
		if n > 0 {
			s.send(requestsTotal, float64(n), l.listener, l.route, className(i))
		}
	}
}

func (c *Collector) collectSpans(s *sink) {
	stats := c.sources.Spans()
	s.send(spansExportedTotal, float64(stats.Exported))
	s.send(spansDroppedTotal, float64(stats.Overflowed), "overflow")
	s.send(spansDroppedTotal, float64(stats.Failed), "export_failed")
}

func (c *Collector) collectOverload(s *sink) {
	stats := c.sources.Overload()
	s.send(overloadLevel, float64(stats.Level))
	s.send(shedRequestsTotal, float64(stats.Shed))
	for reason, n := range stats.Refused {
		s.send(refusedConnectionsTotal, float64(n), reason.String())
	}
}

func className(i int) string {
	if i == 0 {
		return "other"
	}
	return strconv.Itoa(i) + "xx"
}

func (c *Collector) collectShards(s *sink) {
	var connects, resets, timeouts, cancels, retries uint64
	for _, shard := range c.sources.Requests.shards {
		connects += shard.connects.Load()
		resets += shard.resets.Load()
		timeouts += shard.timeouts.Load()
		cancels += shard.cancels.Load()
		retries += shard.retries.Load()
	}
	s.send(backendFailuresTotal, float64(connects), "connect")
	s.send(backendFailuresTotal, float64(resets), "reset")
	s.send(backendFailuresTotal, float64(timeouts), "timeout")
	s.send(clientCancelsTotal, float64(cancels))
	s.send(retriesTotal, float64(retries))
}

func (c *Collector) collectConfig(out *sink, s *configsource.Status) {
	out.send(configLastReloadSuccessful, truth(s.LastReloadOK))
	out.send(configReloadsTotal, float64(s.Reloads))
	out.send(configSaveErrorsTotal, float64(s.SaveErrors))
	out.send(configRefusedItems, float64(s.RefusedItems()))
	out.send(configUnknownFields, float64(s.UnknownFields))
	// All are exported from the start, so that a rate sees the first one. The lanes that
	// they came by, which the log tells, would make three times as many of them.
	for _, reason := range configsource.Reasons() {
		n := uint64(0)
		for _, source := range []configsource.Source{configsource.Watch, configsource.Mount, configsource.Saved} {
			n += s.Rejections[configsource.RejectionKey{Source: source, Reason: reason}]
		}
		out.send(configRejectionsTotal, float64(n), reason)
	}
	if s.Document == nil {
		return
	}
	out.send(configLastReloadSuccess, float64(s.LastSuccess.UnixMilli())/1000)
	out.send(configRevision, float64(s.Document.Revision))
	out.send(configHash, hashValue(s.Document.Hash))
}

// hashValue is the start of a hex hash as a number that a float holds exactly.
func hashValue(hash string) float64 {
	n, err := strconv.ParseUint(hash[:min(len(hash), 12)], 16, 64)
	if err != nil {
		return 0
	}
	return float64(n)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
