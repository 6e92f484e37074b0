package balance

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

const second = int64(time.Second)

// backend describes endpoints as "10.0.0.1 10.0.0.2!", where "!" marks one
// that is terminating.
func backend(id, endpoints string) *proxyconfig.Backend {
	b := &proxyconfig.Backend{ID: id, Namespace: "shop", Service: "cart", Port: 80, Protocol: "http"}
	for _, e := range strings.Fields(endpoints) {
		address, terminating := strings.CutSuffix(e, "!")
		b.Endpoints = append(b.Endpoints, proxyconfig.Endpoint{Address: address, Port: 8080, Terminating: terminating})
	}
	return b
}

// apply prepares and commits, and returns the one cluster.
func apply(t *testing.T, r *Registry, endpoints string) *Cluster {
	t.Helper()
	ch := r.Prepare([]*proxyconfig.Backend{backend("a", endpoints)})
	if len(ch.Refused()) != 0 {
		t.Fatalf("refused %v", ch.Refused())
	}
	ch.Commit()
	return ch.Cluster("a")
}

// picks lists the last digits of n picked addresses.
func picks(c *Cluster, now int64, n int) string {
	var b strings.Builder
	for range n {
		e := c.Pick(now)
		if e == nil {
			b.WriteByte('-')
			continue
		}
		s := e.Addr.Addr().String()
		b.WriteByte(s[len(s)-1])
	}
	return b.String()
}

func find(t *testing.T, c *Cluster, address string) *Endpoint {
	t.Helper()
	for addr, e := range c.endpoints().byAddress() {
		if addr.Addr().String() == address {
			return e
		}
	}
	t.Fatalf("no endpoint %s", address)
	return nil
}

func TestPickTakesTurns(t *testing.T) {
	tests := []struct{ name, endpoints, want string }{
		{"none", "", "---"},
		{"one", "10.0.0.1", "111"},
		{"three", "10.0.0.1 10.0.0.2 10.0.0.3", "231231"},
		{"the same address twice", "10.0.0.1 10.0.0.1 10.0.0.2", "2121"},
		{"not the terminating one", "10.0.0.1 10.0.0.2!", "111"},
		{"terminating as the last resort", "10.0.0.1! 10.0.0.2!", "2121"},
		{"IPv6", "fd00::1 fd00::2", "2121"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := apply(t, NewRegistry(Options{}), test.endpoints)
			if got := picks(c, 0, len(test.want)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestEjectionGrowsAndEndsWithOneTrial(t *testing.T) {
	c := apply(t, NewRegistry(Options{}), "10.0.0.1 10.0.0.2")
	bad := find(t, c, "10.0.0.1")
	now := int64(1)
	for _, ejection := range []int64{1, 2, 4, 8, 16, 30, 30} {
		bad.Failed(now)
		bad.Failed(now) // a second request of the same moment
		if got := picks(c, now+ejection*second-1, 4); got != "2222" {
			t.Fatalf("within %d s of ejection: got %s", ejection, got)
		}
		now += ejection * second
		if got := strings.Count(picks(c, now, 6), "1"); got != 1 {
			t.Fatalf("after %d s of ejection: %d trials, want 1", ejection, got)
		}
	}
	bad.Succeeded()
	if got := picks(c, now, 4); strings.Count(got, "1") != 2 {
		t.Errorf("after a success: got %s, want turns", got)
	}
	bad.Failed(now)
	if got := strings.Count(picks(c, now+second, 4), "1"); got != 1 {
		t.Errorf("a success did not reset the ejection: %d picks after 1 s, want 1", got)
	}
}

func TestAllEjectedArePickedAnyway(t *testing.T) {
	c := apply(t, NewRegistry(Options{}), "10.0.0.1 10.0.0.2 10.0.0.3!")
	find(t, c, "10.0.0.1").Failed(1)
	find(t, c, "10.0.0.2").Failed(1)
	if got := picks(c, 2, 4); strings.Count(got, "1") != 2 || strings.Count(got, "2") != 2 {
		t.Errorf("got %s, want both in turn", got)
	}
	if got, want := c.Counts(2), (Counts{Terminating: 1, Ejected: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEndpointsKeepTheirIdentity(t *testing.T) {
	r := NewRegistry(Options{})
	c := apply(t, r, "10.0.0.1 10.0.0.2")
	one, two := find(t, c, "10.0.0.1"), find(t, c, "10.0.0.2")
	one.Failed(1)

	again := apply(t, r, "10.0.0.3 10.0.0.1!")
	if again != c {
		t.Fatal("the cluster is another one")
	}
	if find(t, c, "10.0.0.1") != one || one.Gone() || one.ejectedUntil.Load() == 0 {
		t.Error("an endpoint that stayed lost its state")
	}
	if !two.Gone() {
		t.Error("an endpoint that left is not gone")
	}
	apply(t, r, "10.0.0.2")
	if find(t, c, "10.0.0.2") == two {
		t.Error("an address that came back is the old endpoint")
	}
}

func TestChangesTakeEffectOnCommit(t *testing.T) {
	r := NewRegistry(Options{})
	c := apply(t, r, "10.0.0.1")
	old := find(t, c, "10.0.0.1")
	ch := r.Prepare([]*proxyconfig.Backend{backend("a", ""), backend("b", "10.0.0.2")})
	if got := picks(c, 0, 1); got != "1" || old.Gone() {
		t.Errorf("before the commit: got %s, gone %v", got, old.Gone())
	}
	if got := picks(ch.Cluster("b"), 0, 1); got != "2" {
		t.Errorf("new cluster before the commit: got %s", got)
	}
	ch.Commit()
	if got := picks(c, 0, 1); got != "-" || !old.Gone() {
		t.Errorf("after the commit: got %s, gone %v", got, old.Gone())
	}
	if ch.Cluster("a").Probe == ch.Cluster("b").Probe || ch.Cluster("b").Probe == 0 {
		t.Error("identifiers for the sensor are not unique")
	}
}

func TestDroppedClustersStillServeOldSnapshots(t *testing.T) {
	r := NewRegistry(Options{})
	c := apply(t, r, "10.0.0.1")
	e, probe := find(t, c, "10.0.0.1"), c.Probe
	r.Prepare(nil).Commit()
	if !e.Gone() {
		t.Error("the endpoint is not gone")
	}
	if got := picks(c, 0, 1); got != "1" {
		t.Errorf("a request on the old snapshot got %s", got)
	}
	if got := apply(t, r, "10.0.0.1"); got == c || got.Probe != probe {
		t.Error("the cluster that came back must be new and keep its identifier")
	}
}

func TestForbiddenAddressesAreRefusedAlone(t *testing.T) {
	forbidden := "127.0.0.1 ::1 ::ffff:127.0.0.1 169.254.169.254 fe80::1 0.0.0.0 :: 224.0.0.1 ff02::1 255.255.255.255 fd00:ec2::254 fd20:ce::254 localhost"
	ch := NewRegistry(Options{}).Prepare([]*proxyconfig.Backend{backend("a", forbidden+" 10.0.0.7")})
	if got, want := len(ch.Refused()), len(strings.Fields(forbidden)); got != want {
		t.Errorf("refused %d, want %d: %v", got, want, ch.Refused())
	}
	if got := picks(ch.Cluster("a"), 0, 2); got != "77" {
		t.Errorf("got %s, want the sound endpoint alone", got)
	}
	ch = NewRegistry(Options{AllowLoopback: true}).Prepare([]*proxyconfig.Backend{backend("a", "127.0.0.1 169.254.1.1")})
	if got := len(ch.Refused()); got != 1 {
		t.Errorf("with loopback allowed: refused %d, want 1", got)
	}
}

// Under the race detector this shows that picking, reporting and changing
// endpoints need no lock, and that a pick never comes up empty in between.
func TestPickBesideChanges(t *testing.T) {
	r := NewRegistry(Options{})
	c := apply(t, r, "10.0.0.1 10.0.0.2")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range int64(5000) {
				e := c.Pick(i)
				if e == nil {
					t.Error("no endpoint")
					return
				}
				if i%3 == 0 {
					e.Failed(i)
				} else {
					e.Succeeded()
				}
			}
		})
	}
	for i := range 200 {
		r.Prepare([]*proxyconfig.Backend{backend("a", fmt.Sprintf("10.0.0.%d 10.0.1.%d", i%3+1, i%5+1))}).Commit()
	}
	wg.Wait()
}
