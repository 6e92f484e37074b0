package balance

import (
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestNewEndpointsComeToTheirShareSlowly(t *testing.T) {
	for _, algorithm := range []proxyconfig.Algorithm{proxyconfig.RoundRobin, proxyconfig.LeastRequest} {
		t.Run(string(algorithm), func(t *testing.T) {
			r := NewRegistry(Options{})
			p := &proxyconfig.Policy{Algorithm: algorithm, SlowStartMillis: 10000}
			c := applyPolicy(t, r, "10.0.0.1 10.0.0.2", p)
			if n := shares(t, c, 0, 100)[find(t, c, "10.0.0.1")]; n < 35 {
				t.Fatalf("the first endpoints of all warm up: %d of 100", n)
			}
			applyPolicy(t, r, "10.0.0.1 10.0.0.2 10.0.0.3", p)
			warming := find(t, c, "10.0.0.3")
			before := 0
			for _, at := range []int64{0, 2, 4, 6, 8, 10} {
				n, rnd := 0, random()
				var open []*Endpoint
				for range 3000 {
					e, _ := c.Choose(&Request{Now: 1 + at*second, Random: rnd.Uint64()})
					e.Begin()
					open = append(open, e)
					if e == warming {
						n++
					}
				}
				for _, e := range open {
					e.End(0, 0, Abandoned)
				}
				if at < 10 && (n <= before || n > 1050) {
					t.Errorf("after %d s it had %d of 3000, before that %d", at, n, before)
				}
				before = n
			}
			if warming.warmSince.Load() != 0 {
				t.Error("it is not warm after its time")
			}
		})
	}
}

// At each share the turns that are taken are spread evenly: no request of the
// endpoints that are warm waits for two others more than it must.
func TestWarmingTurnsAreSpreadEvenly(t *testing.T) {
	r := NewRegistry(Options{})
	p := &proxyconfig.Policy{SlowStartMillis: 10000}
	applyPolicy(t, r, "10.0.0.1", p)
	c := applyPolicy(t, r, "10.0.0.1 10.0.0.2", p)
	warming := find(t, c, "10.0.0.2")
	c.Pick(1)
	if warming.warmSince.Load() == warmupPending {
		c.Pick(1)
	}
	taken := 0
	for n := 1; n <= 1000; n++ {
		if warming.takesTurn(1+5*second, uint64(n)) {
			taken++
		}
		if off := taken - n/2; off < -2 || off > 2 {
			t.Fatalf("of %d turns it took %d, want half of them", n, taken)
		}
	}
}

func TestReadmittedEndpointsWarmUp(t *testing.T) {
	c := applyPolicy(t, NewRegistry(Options{}), addresses(2), &proxyconfig.Policy{SlowStartMillis: 10000})
	back := find(t, c, "10.0.0.1")
	back.Failed(1)
	back.Readmit()
	if n := shares(t, c, 2, 1000)[back]; n < 80 || n > 110 {
		t.Errorf("it had %d of 1000, want a tenth of the other's", n)
	}
}
