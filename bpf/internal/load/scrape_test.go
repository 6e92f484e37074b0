package load

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
	"github.com/fleetgate/fleetgate/bpf/internal/collect"
	"github.com/fleetgate/fleetgate/bpf/internal/procnet"
)

// busy is a program whose every series counts something between scrapes.
type busy struct {
	*L7
	series   []uint32
	cells    []probe.Cell
	outcomes []probe.Outcome
	times    []uint64
}

// newBusy also returns the names of the series.
func newBusy(b *testing.B) (*busy, *collect.Directory) {
	b.Helper()
	l7, err := LoadL7()
	bpftest.Require(b, err)
	b.Cleanup(func() { l7.Close() })
	all := &busy{L7: l7, series: all(), cells: make([]probe.Cell, probe.MaxSeries), times: make([]uint64, probe.MaxSeries)}
	var tables probe.Tables
	for id := range uint32(probe.MaxSeries) {
		tables.Series = append(tables.Series, probe.Series{ID: id, Listener: "web", Namespace: "shop", Name: fmt.Sprint("route-", id), Rule: "0"})
		r := probe.Record{Series: id, Status: 200, Method: probe.MethodGet}
		all.outcomes = append(all.outcomes, r.Outcome())
	}
	d := &collect.Directory{}
	d.Replace(&tables, time.Now())
	all.count(b)
	return all, d
}

// count has one more request on every series.
func (all *busy) count(b *testing.B) {
	for id := range all.cells {
		all.cells[id].Class[probe.Class2xx].Observe(uint64(id+1) * 1000 << (all.times[id] % 8))
		all.times[id]++
	}
	if _, err := all.L7.series.BatchUpdate(all.series, all.cells, nil); err != nil {
		b.Fatal(err)
	}
	if _, err := all.L7.outcomes.BatchUpdate(all.outcomes, all.times, nil); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReadingAllSeries is what the kernel's part of a scrape costs.
func BenchmarkReadingAllSeries(b *testing.B) {
	l7, _ := newBusy(b)
	for b.Loop() {
		n := 0
		if err := l7.Series(l7.series, func(uint32, *probe.Cell) { n++ }); err != nil || n != probe.MaxSeries {
			b.Fatalf("%d series, %v", n, err)
		}
		if err := l7.Outcomes(func(probe.Outcome, uint64) {}); err != nil {
			b.Fatal(err)
		}
	}
}

// scrape has metrics be scraped every half minute, to the text that goes out.
func scrape(b *testing.B, l7 *busy, d *collect.Directory, between func()) {
	now := time.Now()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collect.New(collect.Options{
		Directory: d,
		State:     func() collect.State { return collect.State{Requests: l7} },
		Kernel:    func() (procnet.Counters, error) { return procnet.Counters{}, nil },
		Now:       func() time.Time { return now },
	}))
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	var busy time.Duration
	for b.Loop() {
		b.StopTimer()
		now = now.Add(30 * time.Second)
		between()
		before := processorTime(b)
		b.StartTimer()
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		busy += processorTime(b) - before
		if answer.Code != http.StatusOK {
			b.Fatal(answer.Body)
		}
	}
	b.ReportMetric(float64(busy.Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// processorTime is what the process has had of it, by which a machine that is busy
// with something else can be measured on.
func processorTime(b *testing.B) time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkScrapeOfAllSeries is a whole scrape when every series has counted
// something since the one before.
func BenchmarkScrapeOfAllSeries(b *testing.B) {
	l7, d := newBusy(b)
	scrape(b, l7, d, func() { l7.count(b) })
}

// BenchmarkScrapeOfIdleSeries is one when none has.
func BenchmarkScrapeOfIdleSeries(b *testing.B) {
	l7, d := newBusy(b)
	scrape(b, l7, d, func() {})
}
