package load

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
	"github.com/fleetgate/fleetgate/bpf/internal/collect"
	"github.com/fleetgate/fleetgate/bpf/internal/procnet"
)

// full is a program whose every series has counted something, with their names.
func full(b *testing.B) (*L7, *collect.Directory) {
	b.Helper()
	l7, err := LoadL7()
	bpftest.Require(b, err)
	b.Cleanup(func() { l7.Close() })
	var tables probe.Tables
	for id := range uint32(probe.MaxSeries) {
		tables.Series = append(tables.Series, probe.Series{ID: id, Listener: "web", Namespace: "shop", Name: fmt.Sprint("route-", id), Rule: "0"})
		cell := &probe.Cell{}
		cell.Class[probe.Class2xx].Observe(uint64(id+1) * 1000)
		r := probe.Record{Series: id, Status: 200, Method: probe.MethodGet}
		if err := l7.series.Put(id, cell); err != nil {
			b.Fatal(err)
		}
		if err := l7.outcomes.Put(r.Outcome(), uint64(1)); err != nil {
			b.Fatal(err)
		}
	}
	d := &collect.Directory{}
	d.Replace(&tables, time.Now())
	return l7, d
}

// BenchmarkReadingAllSeries is what the kernel's part of a scrape costs.
func BenchmarkReadingAllSeries(b *testing.B) {
	l7, _ := full(b)
	for b.Loop() {
		n := 0
		if err := l7.Series(func(uint32, *probe.Cell) { n++ }); err != nil || n != probe.MaxSeries {
			b.Fatalf("%d series, %v", n, err)
		}
		if err := l7.Outcomes(func(probe.Outcome, uint64) {}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScrapeOfAllSeries is a whole one, to the text that goes out.
func BenchmarkScrapeOfAllSeries(b *testing.B) {
	l7, d := full(b)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collect.New(collect.Options{
		Directory: d,
		State:     func() collect.State { return collect.State{Requests: l7} },
		Kernel:    func() (procnet.Counters, error) { return procnet.Counters{}, nil },
	}))
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	for b.Loop() {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if answer.Code != http.StatusOK {
			b.Fatal(answer.Body)
		}
	}
}
