package app

import (
	"cmp"
	"regexp"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/metrics"
)

// DefaultMaxSeries is how many series a scrape has at most; of the 500 of a pod the
// sensor has the others. runtimeSeries of them are those of the process and of Go.
const DefaultMaxSeries, runtimeSeries = 200, 30

// runtimeCollectors leave out most of what Go tells of its memory.
func runtimeCollectors() []prometheus.Collector {
	told := regexp.MustCompile(`^/(gc/heap/(tiny/)?allocs:objects|memory/classes/heap/(objects|unused|stacks):bytes)$`)
	return []prometheus.Collector{
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(
			collectors.WithGoCollectorMemStatsMetricsDisabled(),
			collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: told}),
		),
	}
}

// newGatherer returns the registry of everything that a scrape of the proxy tells.
func (p *proxy) newGatherer() *prometheus.Registry {
	most := cmp.Or(p.options.MaxSeries, DefaultMaxSeries) - runtimeSeries
	r := prometheus.NewRegistry()
	r.MustRegister(
		metrics.NewCollector(metrics.Sources{
			Requests:         p.requests,
			Config:           p.coordinator.Status,
			Engine:           p.engineStats,
			Endpoints:        func() balance.Counts { return p.registry.Counts(p.now()) },
			Hostnames:        p.registry.NameCounts,
			AccessLogDropped: p.accessLog.Dropped,
			Spans:            p.spans.Stats,
			Draining:         p.draining.Load,
			Overload:         p.gate.Stats,
			Restarts:         p.options.Restarts,
			Version:          p.options.Version,
			MaxSeries:        most,
		}),
	)
	r.MustRegister(runtimeCollectors()...)
	return r
}

func (p *proxy) engineStats() (sum metrics.EngineStats) {
	for _, s := range p.engine.Stats() {
		sum.Connections += s.Connections
		sum.Requests += s.Requests
		sum.RefusedSessions += s.Refused
		sum.DroppedDatagrams += s.Dropped
	}
	return sum
}
