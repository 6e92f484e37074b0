package collect

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/procnet"
)

// fakeRequests is what would be in the maps.
type fakeRequests struct {
	outcomes         map[probe.Outcome]uint64
	series, backends map[uint32]*probe.Cell
	counters         [probe.Counters]uint64
	err              error
}

func (f *fakeRequests) count(r probe.Record, n uint64) {
	f.outcomes[r.Outcome()] += n
	for range n {
		c := cellOf(f.series, r.Outcome().Series())
		c.RequestBytes += r.RequestBytes
		c.ResponseBytes += r.ResponseBytes
		c.Class[probe.ClassOf(r.Status)].Observe(r.Duration)
		if r.Backend != 0 {
			cellOf(f.backends, r.Outcome().Backend()).Class[probe.ClassOf(r.Status)].Observe(r.Upstream)
		}
	}
}

func cellOf(cells map[uint32]*probe.Cell, id uint32) *probe.Cell {
	if cells[id] == nil {
		cells[id] = &probe.Cell{}
	}
	return cells[id]
}

func (f *fakeRequests) Outcomes(fn func(probe.Outcome, uint64)) error {
	for o, n := range f.outcomes {
		fn(o, n)
	}
	return f.err
}

func (f *fakeRequests) Series(ids []uint32, fn func(uint32, *probe.Cell)) error {
	eachOf(f.series, ids, fn)
	return nil
}

func (f *fakeRequests) Backends(ids []uint32, fn func(uint32, *probe.Cell)) error {
	eachOf(f.backends, ids, fn)
	return nil
}

func eachOf(cells map[uint32]*probe.Cell, ids []uint32, fn func(uint32, *probe.Cell)) {
	for _, id := range ids {
		if c := cells[id]; c != nil {
			fn(id, c)
		}
	}
}

func (f *fakeRequests) Counter(c probe.Counter) (uint64, error) { return f.counters[c], nil }

func newRequests() *fakeRequests {
	return &fakeRequests{
		outcomes: map[probe.Outcome]uint64{},
		series:   map[uint32]*probe.Cell{0: {}},
		backends: map[uint32]*probe.Cell{0: {}},
	}
}

type fakeConnections map[bpf.L4FlowKey]*bpf.L4Flow

func (f fakeConnections) Flows(fn func(bpf.L4FlowKey, *bpf.L4Flow)) error {
	for k, flow := range f {
		fn(k, flow)
	}
	return nil
}

func (f fakeConnections) Settle() error { return nil }

func (f fakeConnections) Overflow() (uint64, error) { return 3, nil }

func collector(s State) *Collector {
	d := &Directory{}
	d.Replace(&probe.Tables{
		Series: []probe.Series{
			{ID: 1, Listener: "web", Namespace: "shop", Name: "cart", Rule: "0"},
			// The same rule under an identifier that it had before.
			{ID: 2, Listener: "web", Namespace: "shop", Name: "cart", Rule: "0"},
		},
		Backends: []probe.Backend{{ID: 5, Namespace: "shop", Service: "cart", Port: 80}},
		Ports:    []probe.Port{{Number: 443, Listener: "web"}},
	}, time.Unix(0, 0))
	return New(Options{
		Directory: d,
		State:     func() State { return s },
		Kernel: func() (procnet.Counters, error) {
			return procnet.Counters{ActiveOpens: 1, PassiveOpens: 2, AttemptFails: 3, EstabResets: 4, CurrEstab: 5, RetransSegs: 6, OutRsts: 7, ListenOverflows: 8}, nil
		},
		Release: "6.18", Version: "v1",
	})
}

// lines writes counters and gauges as a scrape shows them.
func lines(t *testing.T, c prometheus.Collector) map[string][]string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			line := f.GetName()
			if len(labels) > 0 {
				line += "{" + strings.Join(labels, ",") + "}"
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue()
			lines[f.GetName()] = append(lines[f.GetName()], fmt.Sprint(line, " ", value))
		}
	}
	return lines
}

// compare compares the metrics of the given names, in any order.
func compare(t *testing.T, c prometheus.Collector, want string, names ...string) {
	t.Helper()
	all := lines(t, c)
	var got []string
	for _, name := range names {
		got = append(got, all[name]...)
	}
	wanted := strings.Split(strings.TrimSpace(want), "\n")
	slices.Sort(got)
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestRequestsAreSummedByLabels(t *testing.T) {
	r := newRequests()
	get := probe.Record{Series: 1, Backend: 5, Status: 200, Method: probe.MethodGet, Duration: 1e6, Upstream: 1e6, RequestBytes: 1, ResponseBytes: 10}
	r.count(get, 3)
	get.Flags = probe.FlagRetried
	r.count(get, 2)
	get.Series, get.Flags = 2, probe.FlagClientCancel
	r.count(get, 1)
	r.count(probe.Record{Series: 1, Backend: 5, Status: 504, Flags: probe.FlagTimeout | probe.FlagRetried, Protocol: probe.HTTP2}, 1)
	r.count(probe.Record{Series: 77, Status: 999}, 1)
	r.count(probe.Record{Series: 77, Status: 999, Protocol: probe.GRPC, GRPC: 1}, 1)
	r.count(probe.Record{Series: 77, Status: 999, Protocol: probe.GRPC, GRPC: 17}, 2)
	r.count(probe.Record{Series: 77, Status: 999, Protocol: probe.GRPC}, 3)
	r.counters = [probe.Counters]uint64{1, 2, 3, 4}
	c := collector(State{Requests: r})
	compare(t, c, `
fleetgate_requests_total{code="200",listener="web",method="GET",protocol="h1",route="shop/cart",rule="0"} 6
fleetgate_requests_total{code="504",listener="web",method="other",protocol="h2",route="shop/cart",rule="0"} 1
fleetgate_requests_total{code="0",listener="other",method="other",protocol="other",route="other",rule="other"} 7
`, "fleetgate_requests_total")
	compare(t, c, `
fleetgate_grpc_requests_total{grpc_status="0",listener="other",route="other"} 1
fleetgate_grpc_requests_total{grpc_status="other",listener="other",route="other"} 5
`, "fleetgate_grpc_requests_total")
	compare(t, c, `
fleetgate_upstream_requests_total{backend="shop/cart:80",code="200",result="ok",route="shop/cart"} 4
fleetgate_upstream_requests_total{backend="shop/cart:80",code="200",result="retry",route="shop/cart"} 2
fleetgate_upstream_requests_total{backend="shop/cart:80",code="504",result="timeout",route="shop/cart"} 1
`, "fleetgate_upstream_requests_total")
	compare(t, c, `
fleetgate_requests_flagged_total{flag="client_cancel",listener="web",route="shop/cart"} 1
fleetgate_requests_flagged_total{flag="retried",listener="web",route="shop/cart"} 3
fleetgate_requests_flagged_total{flag="timeout",listener="web",route="shop/cart"} 1
`, "fleetgate_requests_flagged_total")
	compare(t, c, `
fleetgate_request_body_bytes_total{listener="other",route="other"} 0
fleetgate_request_body_bytes_total{listener="web",route="shop/cart"} 6
fleetgate_response_body_bytes_total{listener="other",route="other"} 0
fleetgate_response_body_bytes_total{listener="web",route="shop/cart"} 60
`, "fleetgate_request_body_bytes_total", "fleetgate_response_body_bytes_total")
	compare(t, c, `
fleetgate_sensor_dropped_records_total 1
fleetgate_sensor_series_overflow_total{map="backends"} 3
fleetgate_sensor_series_overflow_total{map="outcomes"} 4
fleetgate_sensor_series_overflow_total{map="series"} 2
`, "fleetgate_sensor_dropped_records_total", "fleetgate_sensor_series_overflow_total")
}

func TestConnectionsAreToldByListenerAndBackend(t *testing.T) {
	down, up := uint32(bpf.L4SideSIDE_DOWNSTREAM), uint32(bpf.L4SideSIDE_UPSTREAM)
	c := collector(State{Connections: fakeConnections{
		{Side: down, Id: 0}:   {},
		{Side: down, Id: 443}: {Opened: 10, Closed: [5]uint64{4, 1, 2, 0, 0}, Received: 100, Transmitted: 200, Retransmitted: 1},
		{Side: up, Id: 5}:     {Opened: 3, Closed: [5]uint64{0, 0, 0, 1, 0}, Failed: [4]uint64{2, 1, 0, 0}, Retransmitted: 4},
		// Two that have no name, or none any more.
		{Side: up, Id: 9}: {Opened: 1},
		{Side: up, Id: 0}: {Opened: 1},
	}})
	compare(t, c, `
fleetgate_tcp_connections_opened_total{backend="",listener="web",side="downstream"} 10
fleetgate_tcp_connections_opened_total{backend="shop/cart:80",listener="",side="upstream"} 3
fleetgate_tcp_connections_opened_total{backend="other",listener="",side="upstream"} 2
fleetgate_tcp_connections{backend="",listener="web",side="downstream"} 3
fleetgate_tcp_connections{backend="shop/cart:80",listener="",side="upstream"} 2
fleetgate_tcp_connections{backend="other",listener="",side="upstream"} 2
fleetgate_tcp_connect_failures_total{backend="shop/cart:80",reason="refused"} 2
fleetgate_tcp_connect_failures_total{backend="shop/cart:80",reason="timeout"} 1
fleetgate_tcp_retransmitted_segments_total{backend="",listener="web",side="downstream"} 1
fleetgate_tcp_retransmitted_segments_total{backend="shop/cart:80",listener="",side="upstream"} 4
fleetgate_tcp_retransmitted_segments_total{backend="other",listener="",side="upstream"} 0
fleetgate_tcp_received_bytes_total{backend="",listener="web",side="downstream"} 100
fleetgate_tcp_received_bytes_total{backend="shop/cart:80",listener="",side="upstream"} 0
fleetgate_tcp_received_bytes_total{backend="other",listener="",side="upstream"} 0
fleetgate_tcp_resets_received_total{side="downstream"} 1
fleetgate_tcp_resets_received_total{side="upstream"} 0
fleetgate_tcp_listen_overflows_total 8
`, "fleetgate_tcp_connections_opened_total", "fleetgate_tcp_connections", "fleetgate_tcp_connect_failures_total",
		"fleetgate_tcp_retransmitted_segments_total", "fleetgate_tcp_received_bytes_total", "fleetgate_tcp_resets_received_total",
		"fleetgate_tcp_listen_overflows_total")
	compare(t, c, `
fleetgate_tcp_connections_closed_total{backend="",listener="web",reason="fin",side="downstream"} 4
fleetgate_tcp_connections_closed_total{backend="",listener="web",reason="reset_received",side="downstream"} 1
fleetgate_tcp_connections_closed_total{backend="",listener="web",reason="reset_sent",side="downstream"} 2
fleetgate_tcp_connections_closed_total{backend="shop/cart:80",listener="",reason="fin",side="upstream"} 0
fleetgate_tcp_connections_closed_total{backend="shop/cart:80",listener="",reason="timeout",side="upstream"} 1
fleetgate_tcp_connections_closed_total{backend="other",listener="",reason="fin",side="upstream"} 0
`, "fleetgate_tcp_connections_closed_total")
}

func TestTheKernelsCountersStandIn(t *testing.T) {
	c := collector(State{L7Mode: "shm", L4Mode: "proc", Hooks: []Hook{{"sockops", false}, {"request_done", true}}})
	compare(t, c, `
fleetgate_tcp_connections_opened_total{backend="",listener="",side="downstream"} 2
fleetgate_tcp_connections_opened_total{backend="",listener="",side="upstream"} 1
fleetgate_tcp_connections{backend="",listener="",side="all"} 5
fleetgate_tcp_connect_failures_total{backend="other",reason="other"} 3
fleetgate_tcp_retransmitted_segments_total{backend="",listener="",side="all"} 6
fleetgate_tcp_resets_sent_total{side="all"} 7
fleetgate_sensor_info{kernel="6.18",l4_mode="proc",l7_mode="shm",version="v1"} 1
fleetgate_sensor_hook_attached{hook="request_done"} 1
fleetgate_sensor_hook_attached{hook="sockops"} 0
fleetgate_sensor_hook_attached{hook="sock_diag"} 0
`, "fleetgate_tcp_connections_opened_total", "fleetgate_tcp_connections", "fleetgate_tcp_connect_failures_total",
		"fleetgate_tcp_retransmitted_segments_total", "fleetgate_tcp_resets_sent_total", "fleetgate_sensor_info", "fleetgate_sensor_hook_attached")
}

func TestWhatCannotBeReadIsAnErrorBesideTheRest(t *testing.T) {
	r := newRequests()
	r.err = errors.New("no map")
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector(State{Requests: r}))
	families, err := registry.Gather()
	if err == nil || len(families) == 0 {
		t.Errorf("got %d families and error %v, want some of both", len(families), err)
	}
}

// decode turns native buckets back into counts by index.
func decode(h *dto.Histogram) map[int]uint64 {
	counts := map[int]uint64{}
	index, n, i := 0, int64(0), 0
	for _, span := range h.PositiveSpan {
		index += int(span.GetOffset())
		for range span.GetLength() {
			n += h.PositiveDelta[i]
			counts[index] = uint64(n)
			index++
			i++
		}
	}
	return counts
}

func TestHistogramBucketsHoldWhatTheirBoundsSay(t *testing.T) {
	var d probe.Durations
	durations := []uint64{500, 2_000, 1_000_000, 1_000_000, 300_000_000, 1_000_000_000, 15_000_000_000, 60_000_000_000}
	for _, ns := range durations {
		d.Observe(ns)
	}
	var m dto.Metric
	if err := newHistogram(requestDuration, requestBounds, &d, "l", "r", "0", "2xx").Write(&m); err != nil {
		t.Fatal(err)
	}
	h := m.GetHistogram()
	if h.GetSampleCount() != uint64(len(durations)) || math.Abs(h.GetSampleSum()-76.302002) > 1e-3 {
		t.Errorf("got count %d and sum %v", h.GetSampleCount(), h.GetSampleSum())
	}
	for _, b := range h.Bucket {
		var want uint64
		for _, ns := range durations {
			if float64(ns)/1e9 <= b.GetUpperBound() {
				want++
			}
		}
		if b.GetCumulativeCount() != want {
			t.Errorf("le %v: got %d, want %d", b.GetUpperBound(), b.GetCumulativeCount(), want)
		}
	}
	want := map[int]uint64{}
	for _, ns := range durations {
		index := int(math.Ceil(4 * math.Log2(float64(ns)/1e9)))
		want[max(index, -79)]++ // the first bucket, which has all that is shorter
	}
	got := decode(h)
	for index, n := range want {
		if got[index] != n {
			t.Errorf("native bucket %d: got %d, want %d", index, got[index], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("native buckets: got %v, want %v", got, want)
	}
}
