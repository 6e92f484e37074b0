package metrics

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/configsource"
	"github.com/fleetgate/fleetgate/proxy/internal/otlp"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// fixture is a Collector over counters that a test writes.
type fixture struct {
	t        testing.TB
	requests *Requests
	status   configsource.Status
	registry *prometheus.Registry
	now      time.Time
}

// most is how many series there may be in most tests.
const most = 170

func newFixture(t testing.TB, loops int) *fixture {
	f := &fixture{t: t, requests: NewRequests(loops), registry: prometheus.NewPedanticRegistry(), now: time.Unix(1000, 0)}
	f.registry.MustRegister(NewCollector(Sources{
		Requests: f.requests,
		Config:   func() configsource.Status { return f.status },
		Engine: func() EngineStats {
			return EngineStats{Connections: 7, Requests: 3, RefusedSessions: 4, DroppedDatagrams: 5}
		},
		Endpoints:        func() balance.Counts { return balance.Counts{Active: 4, Ejected: 1, Terminating: 2} },
		Hostnames:        func() balance.NameCounts { return balance.NameCounts{Resolved: 3, Stale: 2, Unresolved: 1} },
		AccessLogDropped: func() uint64 { return 9 },
		Spans:            func() otlp.Stats { return otlp.Stats{Exported: 11, Overflowed: 12, Failed: 13} },
		Draining:         func() bool { return true },
		Overload: func() overload.Stats {
			return overload.Stats{Level: overload.ShedRequests, Shed: 5, Refused: map[overload.Reason]uint64{overload.Full: 6}}
		},
		Version:   "v1",
		Now:       func() time.Time { return f.now },
		MaxSeries: most,
	}))
	return f
}

// serve makes routes part of the configuration; series of all routes ever
// named are kept, as a proxy does.
func (f *fixture) serve(routes ...string) {
	s := &snapshot.Snapshot{Config: &proxyconfig.Config{Listeners: []proxyconfig.Listener{{Name: "http"}}}, Listeners: []string{"", "http"}}
	if f.status.Snapshot != nil {
		s.Series = f.status.Snapshot.Series
	} else {
		s.Series = []snapshot.Series{{}}
	}
	for _, name := range routes {
		s.Config.Routes = append(s.Config.Routes, proxyconfig.Route{Namespace: "ns", Name: name})
		if f.series(s, name) == 0 {
			s.Series = append(s.Series, snapshot.Series{Listener: "http", Route: snapshot.RouteID{Namespace: "ns", Name: name}})
		}
	}
	f.status.Snapshot = s
}

func (f *fixture) series(s *snapshot.Snapshot, name string) uint32 {
	for i, e := range s.Series {
		if i > 0 && e.Route.Name == name {
			return uint32(i)
		}
	}
	return 0
}

func (f *fixture) request(loop int, route string, d traffic.Done) {
	if route != "" {
		d.Rule = &snapshot.Rule{Series: f.series(f.status.Snapshot, route), Listener: &snapshot.Listener{Number: 1}}
	}
	f.requests.Observer(loop).RequestDone(&d)
}

// lines returns the samples of the named metrics, as "name{labels} value".
func (f *fixture) lines(names ...string) string {
	f.t.Helper()
	var b strings.Builder
	for _, family := range f.gather() {
		if !slices.Contains(names, family.GetName()) {
			continue
		}
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			fmt.Fprintf(&b, "%s{%s} %v\n", strings.TrimPrefix(family.GetName(), "fleetgate_proxy_"),
				strings.Join(labels, ","), m.GetCounter().GetValue()+m.GetGauge().GetValue())
		}
	}
	return b.String()
}

func (f *fixture) gather() []*dto.MetricFamily {
	f.t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	return families
}

func (f *fixture) want(text string, metrics ...Metric) {
	f.t.Helper()
	var names []string
	for _, m := range metrics {
		names = append(names, m.Name)
	}
	if got := f.lines(names...); got != text {
		f.t.Errorf("got:\n%swant:\n%s", got, text)
	}
}

func TestRequestsAreSummedOverLoops(t *testing.T) {
	f := newFixture(t, 2)
	f.serve("a", "b")
	f.request(0, "a", traffic.Done{Status: 200, Duration: 3 * time.Millisecond})
	f.request(1, "a", traffic.Done{Status: 204, Duration: 5 * time.Millisecond})
	f.request(1, "a", traffic.Done{Status: 502, Duration: 80 * time.Millisecond, Flags: probe.FlagUpstreamFailed, Attempts: 3})
	f.request(0, "b", traffic.Done{Status: 101, Duration: time.Hour})
	f.request(0, "", traffic.Done{Status: 404, Flags: probe.FlagNoRoute})
	f.request(0, "unknown", traffic.Done{Status: 999, Flags: probe.FlagTimeout | probe.FlagClientCancel})
	f.want(`backend_failures_total{reason=connect} 1
backend_failures_total{reason=reset} 0
backend_failures_total{reason=timeout} 1
client_cancels_total{} 1
requests_total{code_class=1xx,listener=http,route=ns/b} 1
requests_total{code_class=2xx,listener=http,route=ns/a} 2
requests_total{code_class=4xx,listener=-,route=-} 1
requests_total{code_class=5xx,listener=http,route=ns/a} 1
requests_total{code_class=other,listener=*,route=*} 1
retries_total{} 2
`, requestsTotal, backendFailuresTotal, retriesTotal, clientCancelsTotal)
}

func TestDurationsAreCumulativeByListener(t *testing.T) {
	f := newFixture(t, 2)
	f.serve("a", "b")
	f.request(0, "a", traffic.Done{Status: 200, Duration: 5 * time.Millisecond})
	f.request(1, "b", traffic.Done{Status: 200, Duration: 5*time.Millisecond + 1})
	f.request(1, "b", traffic.Done{Status: 200, Duration: 11 * time.Second})
	f.request(0, "", traffic.Done{Status: 404})
	for _, family := range f.gather() {
		if family.GetName() != requestDuration.Name {
			continue
		}
		if n := family.Metric[0].Histogram.GetSampleCount(); n != 1 || len(family.Metric) != 2 {
			t.Errorf("got %d listeners, and %d requests of none", len(family.Metric), n)
		}
		h := family.Metric[1].Histogram
		var got strings.Builder
		for _, b := range h.Bucket {
			fmt.Fprintf(&got, "%g:%d ", b.GetUpperBound(), b.GetCumulativeCount())
		}
		want := "0.005:1 0.01:2 0.025:2 0.05:2 0.075:2 0.1:2 0.25:2 0.5:2 0.75:2 1:2 2.5:2 5:2 7.5:2 10:2 "
		if got.String() != want || h.GetSampleCount() != 3 || h.GetSampleSum() != 11.010000001 {
			t.Errorf("got %s count %d sum %v", got.String(), h.GetSampleCount(), h.GetSampleSum())
		}
		return
	}
	t.Error("no histogram")
}

func TestConfigMetrics(t *testing.T) {
	f := newFixture(t, 1)
	metrics := []Metric{configLastReloadSuccessful, configLastReloadSuccess, configHash, configRevision}
	f.want("config_last_reload_successful{} 0\n", metrics...)
	f.serve("a")
	f.status.Document = &proxyconfig.Document{Hash: "0000000000ff9999", Revision: 12}
	f.status.LastReloadOK = true
	f.status.LastSuccess = time.UnixMilli(1500)
	f.status.Rejections = map[configsource.RejectionKey]uint64{
		{Source: configsource.Watch, Reason: "hash"}: 3, {Source: configsource.Mount, Reason: "hash"}: 1,
	}
	f.want(`config_hash{} 255
config_last_reload_success_timestamp_seconds{} 1.5
config_last_reload_successful{} 1
config_revision{} 12
`, metrics...)
	if got := f.lines(configRejectionsTotal.Name); !strings.Contains(got, "{reason=hash} 4\n") || strings.Count(got, "\n") != 9 {
		t.Errorf("got:\n%s", got)
	}
}

// exported returns the requests by route, summed over classes.
func (f *fixture) exported() map[string]float64 {
	out := map[string]float64{}
	for _, family := range f.gather() {
		if family.GetName() != requestsTotal.Name {
			continue
		}
		for _, m := range family.Metric {
			for _, l := range m.Label {
				if l.GetName() == "route" {
					out[l.GetValue()] += m.Counter.GetValue()
				}
			}
		}
	}
	return out
}

func TestAllIsExportedAndNamedWell(t *testing.T) {
	f := newFixture(t, 1)
	f.serve("a")
	f.status.Document = &proxyconfig.Document{}
	f.status.Snapshot.Expiries = []snapshot.Expiry{{Listener: "http"}}
	f.request(0, "a", traffic.Done{Status: 200})
	families := f.gather()
	if len(families) != len(All()) {
		t.Errorf("got %d families, want %d", len(families), len(All()))
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestRequestDoneAllocatesNothing(t *testing.T) {
	f := newFixture(t, 1)
	o := f.requests.Observer(0)
	d := &traffic.Done{Rule: &snapshot.Rule{Series: 5}, Status: 200, Duration: time.Second, Flags: probe.FlagRetried, Attempts: 2}
	o.RequestDone(d)
	if n := testing.AllocsPerRun(100, func() { o.RequestDone(d) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

// Under the race detector: scraping beside counting.
func TestScrapeBesideRequests(t *testing.T) {
	f := newFixture(t, 4)
	f.serve("a")
	var wg sync.WaitGroup
	for loop := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				f.requests.Observer(loop).RequestDone(&traffic.Done{Status: 200, Rule: &snapshot.Rule{Series: uint32(i % 200)}})
			}
		})
	}
	for range 20 {
		f.exported()
	}
	wg.Wait()
	sum := 0.0
	for _, n := range f.exported() {
		sum += n
	}
	if sum != 8000 {
		t.Errorf("got %v requests, want 8000", sum)
	}
}

func BenchmarkRequestDone(b *testing.B) {
	o := NewRequests(1).Observer(0)
	d := &traffic.Done{Rule: &snapshot.Rule{Series: 5}, Status: 200, Duration: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		o.RequestDone(d)
	}
}

// Routes without requests cost a scrape no memory.
func TestManyRoutesCostAScrapeNoMemory(t *testing.T) {
	scrape := func(routes int) float64 {
		f := newFixture(t, 1)
		c := &proxyconfig.Config{}
		for i := range routes {
			c.Routes = append(c.Routes, proxyconfig.Route{Kind: "HTTPRoute", Namespace: "ns", Name: fmt.Sprint("r", i)})
		}
		f.status.Snapshot = &snapshot.Snapshot{Config: c}
		return testing.AllocsPerRun(5, func() {
			if _, err := f.registry.Gather(); err != nil {
				t.Error(err)
			}
		})
	}
	if few, many := scrape(1), scrape(2000); many > few+200 {
		t.Errorf("%v allocations with 2000 routes, and %v with one", many, few)
	}
}
