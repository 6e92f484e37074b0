package metrics

import (
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
	Version  string
}

// EngineStats are the figures of the ports.
type EngineStats struct {
	Connections, Requests             int64
	RefusedSessions, DroppedDatagrams uint64
}

// Collector exports the proxy's metrics. It implements prometheus.Collector.
type Collector struct {
	sources Sources

	mu    sync.Mutex
	shown *shown
}

// NewCollector returns a Collector of the sources.
func NewCollector(s Sources) *Collector {
	return &Collector{sources: s, shown: newShown()}
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
	c.collectRequests(out, status.Snapshot)
	c.collectShards(out)
	c.collectConfig(out, &status)
	engine := c.sources.Engine()
	send(out, openConnections, float64(engine.Connections))
	send(out, requestsInFlight, float64(engine.Requests))
	send(out, refusedSessionsTotal, float64(engine.RefusedSessions))
	send(out, droppedDatagramsTotal, float64(engine.DroppedDatagrams))
	counts := c.sources.Endpoints()
	send(out, endpoints, float64(counts.Active), "active")
	send(out, endpoints, float64(counts.Ejected), "ejected")
	send(out, endpoints, float64(counts.Terminating), "terminating")
	names := c.sources.Hostnames()
	send(out, externalHostnames, float64(names.Resolved), "resolved")
	send(out, externalHostnames, float64(names.Stale), "stale")
	send(out, externalHostnames, float64(names.Unresolved), "unresolved")
	send(out, accessLogDroppedTotal, float64(c.sources.AccessLogDropped()))
	c.collectOverload(out)
	c.collectSpans(out)
	send(out, draining, truth(c.sources.Draining()))
	send(out, buildInfo, 1, c.sources.Version, runtime.Version())
}

func (c *Collector) collectRequests(out chan<- prometheus.Metric, s *snapshot.Snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var series []snapshot.Series
	routes := map[string]bool{}
	if s != nil {
		series = s.Series
		for i := range s.Config.Routes {
			routes[s.Config.Routes[i].ID()] = true
		}
	}
	all := c.sources.Requests.sum(series)
	exists := func(l label) bool { return l.route == noRoute || routes[l.route] }
	for _, p := range c.shown.points(all, exists) {
		for i, n := range p.codes {
			if n > 0 {
				send(out, requestsTotal, float64(n), p.listener, p.route, className(i))
			}
		}
	}
	for listener, t := range byListener(all) {
		out <- histogram(t, listener)
	}
}

func (c *Collector) collectSpans(out chan<- prometheus.Metric) {
	stats := c.sources.Spans()
	send(out, spansExportedTotal, float64(stats.Exported))
	send(out, spansDroppedTotal, float64(stats.Overflowed), "overflow")
	send(out, spansDroppedTotal, float64(stats.Failed), "export_failed")
}

func (c *Collector) collectOverload(out chan<- prometheus.Metric) {
	stats := c.sources.Overload()
	send(out, overloadLevel, float64(stats.Level))
	send(out, shedRequestsTotal, float64(stats.Shed))
	for reason, n := range stats.Refused {
		send(out, refusedConnectionsTotal, float64(n), reason.String())
	}
}

func className(i int) string {
	if i == 0 {
		return "other"
	}
	return strconv.Itoa(i) + "xx"
}

func byListener(all map[label]*totals) map[string]*totals {
	out := map[string]*totals{}
	for l, t := range all {
		if out[l.listener] == nil {
			out[l.listener] = &totals{}
		}
		out[l.listener].merge(t)
	}
	return out
}

func histogram(t *totals, listener string) prometheus.Metric {
	buckets := make(map[float64]uint64, numBuckets)
	var sum uint64
	for i, bound := range bounds() {
		sum += t.durations[i]
		buckets[bound.Seconds()] = sum
	}
	sum += t.durations[numBuckets]
	return prometheus.MustNewConstHistogram(requestDuration.desc(), sum,
		(time.Duration(t.nanos)).Seconds(), buckets, listener)
}

func (c *Collector) collectShards(out chan<- prometheus.Metric) {
	var connects, resets, timeouts, cancels, retries uint64
	for _, s := range c.sources.Requests.shards {
		connects += s.connects.Load()
		resets += s.resets.Load()
		timeouts += s.timeouts.Load()
		cancels += s.cancels.Load()
		retries += s.retries.Load()
	}
	send(out, backendFailuresTotal, float64(connects), "connect")
	send(out, backendFailuresTotal, float64(resets), "reset")
	send(out, backendFailuresTotal, float64(timeouts), "timeout")
	send(out, clientCancelsTotal, float64(cancels))
	send(out, retriesTotal, float64(retries))
}

func (c *Collector) collectConfig(out chan<- prometheus.Metric, s *configsource.Status) {
	send(out, configLastReloadSuccessful, truth(s.LastReloadOK))
	send(out, configReloadsTotal, float64(s.Reloads))
	send(out, configSaveErrorsTotal, float64(s.SaveErrors))
	send(out, configRefusedItems, float64(s.RefusedItems()))
	send(out, configUnknownFields, float64(s.UnknownFields))
	// All are exported from the start, so that a rate sees the first one.
	for _, source := range []configsource.Source{configsource.Watch, configsource.Mount, configsource.Saved} {
		for _, reason := range configsource.Reasons() {
			n := s.Rejections[configsource.RejectionKey{Source: source, Reason: reason}]
			send(out, configRejectionsTotal, float64(n), string(source), reason)
		}
	}
	if s.Document == nil {
		return
	}
	send(out, configLastReloadSuccess, float64(s.LastSuccess.UnixMilli())/1000)
	send(out, configRevision, float64(s.Document.Revision))
	send(out, configHash, hashValue(s.Document.Hash))
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

func send(out chan<- prometheus.Metric, m Metric, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(m.desc(), m.Type, value, labels...)
}
