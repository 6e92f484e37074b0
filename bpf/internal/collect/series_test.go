package collect

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/procnet"
	"github.com/fleetgate/fleetgate/bpf/internal/sockdiag"
)

// counter is one counter of a scrape, as Prometheus knows it. Of histograms these
// are the buckets, the count and the sum, which is left out.
type counter struct{ name, labels string }

// gateway is a proxy with a sensor whose maps a test writes.
type gateway struct {
	t        *testing.T
	now      time.Time
	requests *fakeRequests
	flows    fakeConnections
	tables   probe.Tables
	sockets  []sockdiag.Socket
	*Collector
	registry *prometheus.Registry
	// told is the last scrape, and happened what there was since.
	told     map[counter]float64
	happened struct{ requests, calls, connections int }
}

func newGateway(t *testing.T, most int) *gateway {
	g := &gateway{t: t, now: time.Unix(1000, 0), requests: newRequests(), flows: fakeConnections{}, registry: prometheus.NewRegistry()}
	g.Collector = New(Options{
		Directory: &Directory{},
		State:     g.state,
		Kernel:    func() (procnet.Counters, error) { return procnet.Counters{}, nil },
		Sockets: func(fn func(*sockdiag.Socket)) error {
			for i := range g.sockets {
				fn(&g.sockets[i])
			}
			return nil
		},
		MaxSeries: most,
		Now:       func() time.Time { return g.now },
	})
	g.registry.MustRegister(g.Collector)
	return g
}

func (g *gateway) state() State {
	return State{Requests: g.requests, Connections: g.flows, Hooks: []Hook{{"a", true}, {"b", true}, {"c", true}, {"d", true}, {"e", true}}}
}

// clear is what the sensor does with its maps.
func (g *gateway) clear(gone Gone) error {
	maps.DeleteFunc(g.requests.outcomes, func(o probe.Outcome, _ uint64) bool {
		return gone.Series[o.Series()] || gone.Backends[o.Backend()]
	})
	maps.DeleteFunc(g.requests.series, func(id uint32, _ *probe.Cell) bool { return gone.Series[id] })
	maps.DeleteFunc(g.requests.backends, func(id uint32, _ *probe.Cell) bool { return gone.Backends[id] })
	maps.DeleteFunc(g.flows, func(k bpf.L4FlowKey, _ *bpf.L4Flow) bool {
		return k.Side == uint32(bpf.L4SideSIDE_UPSTREAM) && gone.Backends[k.Id]
	})
	return nil
}

func (g *gateway) replace() {
	g.t.Helper()
	if err := g.Replace(g.state(), &g.tables, g.clear); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) expire() {
	g.t.Helper()
	if err := g.Expire(g.state(), g.clear); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) connect(side bpf.L4Side, id uint32, n uint64) {
	key := bpf.L4FlowKey{Side: uint32(side), Id: id}
	if g.flows[key] == nil {
		g.flows[key] = &bpf.L4Flow{}
	}
	f := g.flows[key]
	f.Opened += n
	f.Closed[n%5] += n
	f.Failed[n%4] += n
	f.Received += n
	f.Wait.Bucket[n%128] += n
	f.Rtt.Bucket[n%128] += n
	f.Lifetime.Bucket[n%128] += n
}

// scrape returns the counters, and how many series there are in all.
func (g *gateway) scrape() (counters map[counter]float64, series int) {
	g.t.Helper()
	families, err := g.registry.Gather()
	if err != nil {
		g.t.Fatal(err)
	}
	counters = map[counter]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			c := counter{family.GetName(), labelsOf(m)}
			series++
			switch {
			case m.Counter != nil:
				counters[c] = m.Counter.GetValue()
			case m.Histogram != nil:
				series += len(m.Histogram.Bucket) + 2
				counters[counter{c.name + "_count", c.labels}] = float64(m.Histogram.GetSampleCount())
				for _, b := range m.Histogram.Bucket {
					counters[counter{c.name + "_bucket", fmt.Sprint(c.labels, b.GetUpperBound())}] = float64(b.GetCumulativeCount())
				}
			}
		}
	}
	return counters, series
}

func labelsOf(m *dto.Metric) string {
	var b strings.Builder
	for _, l := range m.Label {
		fmt.Fprintf(&b, "%s=%q,", l.GetName(), l.GetValue())
	}
	return b.String()
}

// increases scrapes, and returns what Prometheus takes for the increase since the
// scrape before, by metric: a series that is new begins at zero. None may go back.
func (g *gateway) increases(most int) map[string]float64 {
	g.t.Helper()
	now, series := g.scrape()
	if series > most {
		g.t.Errorf("got %d series, want %d at most", series, most)
	}
	sums := map[string]float64{}
	for c, n := range now {
		if n < g.told[c] {
			g.t.Fatalf("%s{%s} goes back from %v to %v", c.name, c.labels, g.told[c], n)
		}
		sums[c.name] += n - g.told[c]
	}
	g.told = now
	return sums
}

func (g *gateway) want(sums map[string]float64, name string, want int) {
	g.t.Helper()
	if got := sums["fleetgate_"+name]; got != float64(want) {
		g.t.Fatalf("%s increases by %v, want %d", name, got, want)
	}
}

// TestSeriesAreBounded has traffic to all of 5,000 routes and 500 backends, by every
// method, with many statuses, that fails in all ways.
func TestSeriesAreBounded(t *testing.T) {
	g := newGateway(t, 0)
	for id := uint32(1); id < probe.MaxSeries; id++ {
		g.tables.Series = append(g.tables.Series, probe.Series{ID: id, Listener: fmt.Sprint("l", id%20), Namespace: "ns", Name: fmt.Sprint("r", id/2), Rule: fmt.Sprint(id % 2)})
	}
	for id := range uint32(500) {
		g.tables.Backends = append(g.tables.Backends, probe.Backend{ID: id + 1, Namespace: "ns", Service: fmt.Sprint("s", id), Port: 80})
	}
	for port := range uint16(20) {
		g.tables.Ports = append(g.tables.Ports, probe.Port{Number: port + 1, Listener: fmt.Sprint("l", port)})
		g.sockets = append(g.sockets, sockdiag.Socket{Local: addr(fmt.Sprintf("0.0.0.0:%d", port+1)), Listening: true, Limit: 1})
		g.sockets = append(g.sockets, sockdiag.Socket{Local: addr(fmt.Sprintf("10.0.0.1:%d", port+1)), Remote: addr("10.9.9.9:1"), RTT: 1})
	}
	g.replace()
	requests := 0
	for round := range uint32(6) {
		for i := range uint32(5000) {
			r := probe.Record{
				Series: i, Backend: i%500 + 1, Status: uint16(200 + (i*round)%400), Method: probe.Method((i + round) % 10), Protocol: probe.Protocol(i % 7),
				Flags: probe.Flags(1) << (i % 6), Duration: uint64(i) * 1e6, Upstream: uint64(i) * 1e5, RequestBytes: 1, ResponseBytes: 2, GRPC: uint8((i + round) % 18),
			}
			g.requests.count(r, 1)
			requests++
		}
		for i := range uint64(500) {
			g.connect(bpf.L4SideSIDE_UPSTREAM, uint32(i)+1, i+1)
			g.connect(bpf.L4SideSIDE_DOWNSTREAM, uint32(i)%20+1, i+1)
		}
		sums := g.increases(DefaultMaxSeries)
		const connected = 2 * 500 * 501 / 2
		g.want(sums, "tcp_connections_opened_total", connected)
		g.want(sums, "tcp_connections_closed_total", connected)
		g.want(sums, "tcp_connect_failures_total", connected/2)
		g.want(sums, "requests_total", 5000)
		g.want(sums, "request_duration_seconds_count", 5000)
		g.want(sums, "upstream_requests_total", 5000)
		g.want(sums, "upstream_request_duration_seconds_count", 5000)
		g.want(sums, "requests_flagged_total", 5000)
		g.want(sums, "request_body_bytes_total", 5000)
		g.want(sums, "response_body_bytes_total", 10000)
	}
	names := 0
	for c := range g.told {
		if c.name == "fleetgate_request_body_bytes_total" {
			names++
		}
	}
	t.Logf("measured: %d requests of 5,000 rules and 500 backends in at most %d series, %d routes of them by name", requests, DefaultMaxSeries, names-1)
	if names < 2 {
		t.Error("no route has a name")
	}
}

// TestWhatRatesSeeIsWhatHappened has routes and backends come, be busy, and go, in
// any order, with few series for them. However names are given and taken, no counter
// goes back, and all together they increase by what was counted.
func TestWhatRatesSeeIsWhatHappened(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			most := 150 + r.IntN(300)
			g := newGateway(t, most)
			g.tables.Ports = []probe.Port{{Number: 80, Listener: "a"}, {Number: 81, Listener: "other"}, {Number: 82, Listener: "c"}}
			for range 150 {
				g.change(r)
				g.traffic(r)
				sums := g.increases(most)
				for _, name := range []string{"requests_total", "request_duration_seconds_count", "upstream_requests_total", "upstream_request_duration_seconds_count"} {
					g.want(sums, name, g.happened.requests)
				}
				g.want(sums, "grpc_requests_total", g.happened.calls)
				g.want(sums, "tcp_connections_opened_total", g.happened.connections)
				g.want(sums, "tcp_smoothed_rtt_seconds_count", g.happened.connections)
				g.happened.requests, g.happened.calls, g.happened.connections = 0, 0, 0
			}
		})
	}
}

// change has time pass, and routes and backends come and go. Their identifiers may
// come back as something else.
func (g *gateway) change(r *rand.Rand) {
	g.now = g.now.Add(time.Duration(r.IntN(120)) * time.Second)
	if r.IntN(20) == 0 {
		g.now = g.now.Add(idleAfter)
	}
	g.expire()
	if r.IntN(3) > 0 {
		return
	}
	g.tables.Series, g.tables.Backends = nil, nil
	version := r.IntN(3)
	for id := range uint32(40) {
		if r.IntN(4) > 0 {
			g.tables.Series = append(g.tables.Series, probe.Series{ID: id + 1, Listener: "a", Namespace: "ns", Name: fmt.Sprint("r", int(id)/2+version*int(id%3)), Rule: fmt.Sprint(id % 2)})
		}
		if r.IntN(4) > 0 {
			g.tables.Backends = append(g.tables.Backends, probe.Backend{ID: id + 1, Namespace: "ns", Service: fmt.Sprint("s", int(id)+version*int(id%3)), Port: 80})
		}
	}
	if r.IntN(2) == 0 {
		g.traffic(r) // that no scrape has seen when the names change
	}
	g.replace()
}

// traffic counts requests and connections, most of them of a few identifiers, and
// some of such that nothing is known of.
func (g *gateway) traffic(r *rand.Rand) {
	busy := r.IntN(40)
	for range r.IntN(60) {
		id := uint32(busy + r.IntN(4))
		if r.IntN(4) == 0 {
			id = uint32(r.IntN(45))
		}
		record := probe.Record{
			Series: id, Backend: id + 1, Status: uint16(200 + 100*r.IntN(4) + r.IntN(5)), Method: probe.Method(r.IntN(10)),
			Protocol: probe.Protocol(r.IntN(7)), Flags: probe.Flags(r.IntN(64)), Duration: r.Uint64N(1e10), GRPC: uint8(r.IntN(18)),
		}
		n := 1 + r.IntN(3)
		g.requests.count(record, uint64(n))
		g.happened.requests += n
		if record.Protocol == probe.GRPC {
			g.happened.calls += n
		}
		g.connect(bpf.L4SideSIDE_UPSTREAM, id, uint64(n))
		g.connect(bpf.L4SideSIDE_DOWNSTREAM, uint32(80+r.IntN(4)), uint64(n))
		g.happened.connections += 2 * n
	}
}
