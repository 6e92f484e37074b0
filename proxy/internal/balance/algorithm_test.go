package balance

import (
	"sync"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestRoundRobinIsExactBesideOneThatIsOut(t *testing.T) {
	c := apply(t, NewRegistry(Options{}), addresses(5))
	out := find(t, c, "10.0.0.3")
	out.Failed(1)
	for e, n := range shares(t, c, 2, 4000) {
		if e == out || n != 1000 {
			t.Errorf("%s had %d of 4000, want 1000 for each that is well", e.Addr, n)
		}
	}
}

func TestTriedEndpointsComeLast(t *testing.T) {
	for _, algorithm := range []proxyconfig.Algorithm{"", proxyconfig.LeastRequest, proxyconfig.PeakEWMA, proxyconfig.ConsistentHash} {
		t.Run(string(algorithm), func(t *testing.T) {
			p := &proxyconfig.Policy{Algorithm: algorithm}
			if algorithm == proxyconfig.ConsistentHash {
				p.Hash = &proxyconfig.HashKey{Source: proxyconfig.HashSourceIP}
			}
			c := applyPolicy(t, NewRegistry(Options{}), addresses(4), p)
			rnd := random()
			for range 200 {
				r := Request{Now: 1, Random: rnd.Uint64(), Hash: rnd.Uint64()}
				seen := map[*Endpoint]bool{}
				for range 4 {
					e, _ := c.Choose(&r)
					if seen[e] {
						t.Fatalf("%s was chosen again while others were left", e.Addr)
					}
					seen[e] = true
					r.Tried = append(r.Tried, e)
				}
				if e, _ := c.Choose(&r); e == nil {
					t.Fatal("nothing is left after all were tried")
				}
			}
		})
	}
}

func TestLastResortPrefersWhatIsWellThenWhatIsNew(t *testing.T) {
	c := apply(t, NewRegistry(Options{}), addresses(3))
	one, two, three := find(t, c, "10.0.0.1"), find(t, c, "10.0.0.2"), find(t, c, "10.0.0.3")
	two.Failed(1)
	three.Failed(1)
	for range 5 {
		if e, _ := c.Choose(&Request{Now: 2, Tried: []*Endpoint{one}}); e != one {
			t.Errorf("got %s, want the one that is well", e.Addr)
		}
	}
	one.Failed(1)
	for range 5 {
		if e, _ := c.Choose(&Request{Now: 2, Tried: []*Endpoint{one, three}}); e != two {
			t.Errorf("got %s, want the one that is new to the request", e.Addr)
		}
	}
}

// Each endpoint answers at a speed of its own; requests overlap.
func TestTwoChoicesFollowTheSpeedOfEndpoints(t *testing.T) {
	type running struct {
		e            *Endpoint
		began, until int64
	}
	for _, algorithm := range []proxyconfig.Algorithm{proxyconfig.LeastRequest, proxyconfig.PeakEWMA} {
		t.Run(string(algorithm), func(t *testing.T) {
			c := applyPolicy(t, NewRegistry(Options{}), addresses(4), &proxyconfig.Policy{Algorithm: algorithm})
			slow := find(t, c, "10.0.0.4")
			rnd := random()
			var open []running
			counts := map[*Endpoint]int{}
			for now := int64(0); now < int64(20*time.Second); now += int64(time.Millisecond) {
				kept := open[:0]
				for _, r := range open {
					if r.until > now {
						kept = append(kept, r)
						continue
					}
					r.e.End(r.began, now, Answered)
				}
				open = kept
				e, _ := c.Choose(&Request{Now: now, Random: rnd.Uint64()})
				took := 5 * time.Millisecond
				if e == slow {
					took = 100 * time.Millisecond
				}
				e.Begin()
				counts[e]++
				open = append(open, running{e, now, now + int64(took)})
			}
			if got := counts[slow]; got > 20000/4/5 {
				t.Errorf("an endpoint that is 20 times slower had %d of 20000", got)
			}
			for e, n := range counts {
				if e != slow && n < 5000 {
					t.Errorf("%s had %d of 20000, want more than its quarter", e.Addr, n)
				}
			}
		})
	}
}

func TestTwoChoicesAreEvenAmongEquals(t *testing.T) {
	c := applyPolicy(t, NewRegistry(Options{}), addresses(10), &proxyconfig.Policy{Algorithm: proxyconfig.LeastRequest})
	for e, n := range shares(t, c, 1, 20000) {
		if n < 1800 || n > 2200 {
			t.Errorf("%s had %d of 20000, want about 2000", e.Addr, n)
		}
	}
}

func TestTwoChoicesTryWhatWasEjected(t *testing.T) {
	c := applyPolicy(t, NewRegistry(Options{}), addresses(2), &proxyconfig.Policy{Algorithm: proxyconfig.PeakEWMA})
	bad := find(t, c, "10.0.0.1")
	bad.Failed(1)
	if n := shares(t, c, second, 1000)[bad]; n != 0 {
		t.Errorf("%d requests during the ejection", n)
	}
	if n := shares(t, c, 1+second, 1000)[bad]; n != 1 {
		t.Errorf("%d requests after the ejection, want one trial", n)
	}
}

func TestUnansweredEndpointGetsOneRequest(t *testing.T) {
	c := applyPolicy(t, NewRegistry(Options{}), addresses(2), &proxyconfig.Policy{Algorithm: proxyconfig.PeakEWMA})
	known, unknown := find(t, c, "10.0.0.1"), find(t, c, "10.0.0.2")
	known.Begin()
	known.End(0, int64(time.Second), Answered)
	rnd := random()
	for i := range 20 {
		e, _ := c.Choose(&Request{Now: int64(time.Second), Random: rnd.Uint64()})
		if (e == unknown) != (i == 0) {
			t.Errorf("request %d went to %s", i, e.Addr)
		}
		e.Begin()
	}
}

func TestZoneIsPreferredWhileItIsWell(t *testing.T) {
	b := backend("a", "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5")
	for i := range 4 {
		b.Endpoints[i].Zone = "north"
	}
	b.Policy = &proxyconfig.Policy{Zone: &proxyconfig.ZonePreference{MinHealthyPercent: 50}}
	zones := func(zone string) *Cluster {
		ch := NewRegistry(Options{Zone: zone}).Prepare([]*proxyconfig.Backend{b})
		ch.Commit()
		return ch.Cluster("a")
	}
	c := zones("north")
	far := find(t, c, "10.0.0.5")
	steps := []struct {
		do   func()
		want bool
	}{
		{func() {}, false},
		{func() { find(t, c, "10.0.0.1").Failed(1) }, false},
		{func() { find(t, c, "10.0.0.2").SetHealthy(false) }, false},
		{func() { find(t, c, "10.0.0.3").Failed(1) }, true},
		{func() { find(t, c, "10.0.0.2").SetHealthy(true) }, false},
	}
	for i, step := range steps {
		step.do()
		if got := shares(t, c, 2, 100)[far] > 0; got != step.want {
			t.Errorf("step %d: other zones used: %v, want %v", i, got, step.want)
		}
	}
	near := c.endpoints().local
	if e, _ := c.Choose(&Request{Now: 2, Tried: near}); e != far {
		t.Errorf("a request that had the whole zone went to %s", e.Addr)
	}
	for _, zone := range []string{"", "south"} {
		if n := len(shares(t, zones(zone), 2, 100)); n != 5 {
			t.Errorf("in zone %q %d endpoints are used, want all", zone, n)
		}
	}
}

// Under the race detector this shows that everything the engine and a prober
// call needs no lock beside changes of endpoints and policies, and that what is
// counted comes back to zero.
func TestEverythingBesideChanges(t *testing.T) {
	policies := []*proxyconfig.Policy{
		nil, hashed, {Algorithm: proxyconfig.LeastRequest, SlowStartMillis: 1}, {Algorithm: proxyconfig.PeakEWMA, Zone: &proxyconfig.ZonePreference{}},
		{Ejection: &proxyconfig.Ejection{ConsecutiveErrors: 2, BaseMillis: 1, MaxPercent: 50}},
	}
	r := NewRegistry(Options{Zone: "north"})
	c := applyPolicy(t, r, addresses(4), nil)
	var wg sync.WaitGroup
	for worker := range uint64(4) {
		wg.Go(func() {
			random := worker
			for now := int64(1); now < 3000*int64(time.Millisecond/4); now += int64(time.Millisecond / 4) {
				random = mix(random + golden)
				e, _ := c.Choose(&Request{Now: now, Random: random, Hash: random})
				if e == nil {
					t.Error("no endpoint")
					return
				}
				e.Begin()
				switch random % 5 {
				case 0:
					e.Failed(now)
				case 1:
					e.Succeeded()
				case 2:
					e.SetHealthy(random%2 == 0)
				case 3:
					e.Readmit()
				}
				if c.AllowRetry(now) {
					c.RetryDone()
				}
				e.End(now, now+int64(random%1000000), Outcome(random>>32%4))
			}
		})
	}
	for i := range 30 {
		applyPolicy(t, r, addresses(4+i%3), policies[i%len(policies)])
	}
	wg.Wait()
	if n := c.load.requests.Load(); n != 0 {
		t.Errorf("%d requests are in flight", n)
	}
	if n := c.load.retries.Load(); n != 0 {
		t.Errorf("%d retries are under way", n)
	}
	for _, e := range c.Endpoints() {
		if n := e.InFlight(); n != 0 {
			t.Errorf("%s has %d in flight", e.Addr, n)
		}
	}
}
