package metrics

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// counters returns the counters of requests and the counts of durations by their
// labels, and how many series there are in all.
func (f *fixture) counters() (counters map[string]float64, series int) {
	f.t.Helper()
	counters = map[string]float64{}
	for _, family := range f.gather() {
		series += len(family.Metric)
		for _, m := range family.Metric {
			name := family.GetName()
			for _, l := range m.Label {
				name += "," + l.GetValue()
			}
			switch {
			case family.GetType() == dto.MetricType_HISTOGRAM:
				series += len(m.Histogram.Bucket) + 2
				counters[name] = float64(m.Histogram.GetSampleCount())
			case family.GetName() == requestsTotal.Name:
				counters[name] = m.Counter.GetValue()
			}
		}
	}
	return counters, series
}

// grown checks that no counter goes back, and that all together they increase twice,
// as requests and as durations, by what there was; a new one begins at zero.
func (f *fixture) grown(before map[string]float64, by int) (now map[string]float64) {
	f.t.Helper()
	now, series := f.counters()
	if series > most {
		f.t.Errorf("got %d series, want %d at most", series, most)
	}
	sum := 0.0
	for name, n := range now {
		if n < before[name] {
			f.t.Errorf("%s goes back from %v to %v", name, before[name], n)
		}
		sum += n - before[name]
	}
	if sum != 2*float64(by) {
		f.t.Fatalf("the counters increase by %v, want %d", sum, 2*by)
	}
	return now
}

// many is a configuration of routes and listeners.
func (f *fixture) many(listeners, routes int) {
	s := &snapshot.Snapshot{Config: &proxyconfig.Config{}, Series: []snapshot.Series{{}}, Listeners: []string{""}}
	for i := range listeners {
		name := fmt.Sprint("l", i)
		s.Config.Listeners = append(s.Config.Listeners, proxyconfig.Listener{Name: name})
		s.Listeners = append(s.Listeners, name)
		s.Expiries = append(s.Expiries, snapshot.Expiry{Listener: name, At: time.Unix(int64(i), 0)})
	}
	for i := range routes {
		name := fmt.Sprint("r", i)
		s.Config.Routes = append(s.Config.Routes, proxyconfig.Route{Namespace: "ns", Name: name})
		s.Series = append(s.Series, snapshot.Series{Listener: fmt.Sprint("l", i%listeners), Route: snapshot.RouteID{Namespace: "ns", Name: name}})
	}
	f.status.Snapshot = s
}

func (f *fixture) done(listeners, route int, status int) {
	f.requests.Observer(route % 2).RequestDone(&traffic.Done{Status: status, Rule: &snapshot.Rule{
		Series: uint32(route + 1), Listener: &snapshot.Listener{Number: uint32(route%listeners + 1)},
	}})
}

func TestSeriesStayBelowTheBound(t *testing.T) {
	f := newFixture(t, 2)
	f.many(300, 5000)
	f.status.Document = &proxyconfig.Document{}
	var before map[string]float64
	for _, status := range []int{200, 301, 404, 503, 101, 0} {
		for route := range 5000 {
			f.done(300, route, status)
		}
		before = f.grown(before, 5000)
	}
}

// TestManyRoutesAreNamed has routes that are answered in three ways, of which so many are
// busier than all others that they have names beside two listeners.
func TestManyRoutesAreNamed(t *testing.T) {
	f := newFixture(t, 2)
	f.many(2, 5000)
	f.status.Document = &proxyconfig.Document{}
	const busy = 20
	requests := 0
	for route := range 5000 {
		for range 1 + (busy+4999-route)/5000*9 {
			for _, status := range []int{200, 404, 503} {
				f.done(2, route, status)
				requests++
			}
		}
	}
	told := f.grown(nil, requests)
	for route := range busy {
		for _, class := range []string{"2xx", "4xx", "5xx"} {
			if name := fmt.Sprintf("fleetgate_proxy_requests_total,%s,l%d,ns/r%d", class, route%2, route); told[name] != 10 {
				t.Errorf("%s is %v, want 10", name, told[name])
			}
		}
	}
}

func TestTheBusiestRoutesAreNamed(t *testing.T) {
	f := newFixture(t, 2)
	f.many(1, 1000)
	for route := range 1000 {
		for range 1 + route/990*5 {
			f.done(1, route, 200)
		}
	}
	before := f.grown(nil, 1050)
	for route := 990; route < 1000; route++ {
		if name := fmt.Sprintf("fleetgate_proxy_requests_total,2xx,l0,ns/r%d", route); before[name] != 6 {
			t.Errorf("%s is %v, want 6", name, before[name])
		}
	}
	// One that has no name becomes the busiest: the others keep theirs, until one has
	// had no request for an hour.
	const name = "fleetgate_proxy_requests_total,2xx,l0,ns/r500"
	if _, named := before[name]; named {
		t.Fatalf("%s is named", name)
	}
	for range 100 {
		f.done(1, 500, 200)
	}
	before = f.grown(before, 100)
	if _, named := before[name]; named {
		t.Errorf("%s took a name from another one", name)
	}
	f.now = f.now.Add(idleAfter)
	f.done(1, 500, 200)
	if before = f.grown(before, 1); before[name] != 1 {
		t.Errorf("%s is %v, want 1", name, before[name])
	}
}

func TestVanishedRoutesAreDropped(t *testing.T) {
	f := newFixture(t, 2)
	f.many(2, 2)
	f.done(2, 0, 200)
	f.done(2, 1, 200)
	before := f.grown(nil, 2)
	f.status.Snapshot.Config.Routes = f.status.Snapshot.Config.Routes[1:]
	f.done(2, 0, 200) // one that was under way
	now := f.grown(before, 1)
	if _, named := now["fleetgate_proxy_requests_total,2xx,l0,ns/r0"]; named {
		t.Error("a route that is gone is exported")
	}
	if n := now["fleetgate_proxy_requests_total,2xx,*,*"]; n != 1 {
		t.Errorf("the rest is %v, want 1", n)
	}
	f.status.Snapshot.Config.Listeners = f.status.Snapshot.Config.Listeners[:1]
	now = f.grown(now, 0)
	if len(now) != 2 { // the listener that is left, and the rest of the requests
		t.Errorf("got %v", now)
	}
}

// TestWhatRatesSeeIsWhatHappened has routes come, be busy, and go, in any order.
func TestWhatRatesSeeIsWhatHappened(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		f := newFixture(t, 2)
		f.many(6, 200)
		all := slices.Clone(f.status.Snapshot.Config.Routes)
		var before map[string]float64
		for range 60 {
			f.now = f.now.Add(time.Duration(r.IntN(20)) * time.Minute)
			f.status.Snapshot.Config.Routes = all[r.IntN(50) : 150+r.IntN(50)]
			n, busy := r.IntN(100), r.IntN(190)
			for range n {
				f.done(6, busy+r.IntN(10), 100+100*r.IntN(5))
			}
			before = f.grown(before, n)
		}
	}
}

func TestTheFirstCertificatesToExpireAreToldApart(t *testing.T) {
	f := newFixture(t, 1)
	f.many(12, 0)
	f.status.Snapshot.Expiries = append(f.status.Snapshot.Expiries, snapshot.Expiry{Listener: "l11", At: time.Unix(-1, 0)})
	f.want(`certificate_expiry_timestamp_seconds{listener=*} 7
certificate_expiry_timestamp_seconds{listener=l0} 0
certificate_expiry_timestamp_seconds{listener=l1} 1
certificate_expiry_timestamp_seconds{listener=l11} -1
certificate_expiry_timestamp_seconds{listener=l2} 2
certificate_expiry_timestamp_seconds{listener=l3} 3
certificate_expiry_timestamp_seconds{listener=l4} 4
certificate_expiry_timestamp_seconds{listener=l5} 5
certificate_expiry_timestamp_seconds{listener=l6} 6
`, certificateExpiry)
}
