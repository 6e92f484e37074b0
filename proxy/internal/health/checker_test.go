package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// world runs a Checker in a bubble of time, beside endpoints that are down or
// not.
type world struct {
	t        *testing.T
	registry *balance.Registry
	began    time.Time
	mu       sync.Mutex
	down     map[string]bool
	// exhausted: there are no descriptors.
	exhausted bool
	// probes are the times of each address's, in seconds.
	probes map[string]string
}

func inWorld(t *testing.T, story func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, registry: balance.NewRegistry(balance.Options{}), began: time.Now(), down: map[string]bool{}, probes: map[string]string{}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			New(Options{Registry: w.registry, Now: w.now, Dial: w.dial}).Run(ctx)
		}()
		story(w)
		cancel()
		<-done
	})
}

// now begins at a second, for zero is no time of an ejection.
func (w *world) now() int64 { return int64(time.Since(w.began) + time.Second) }

func (w *world) dial(_ context.Context, addr netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := addr.Addr().String()
	w.probes[name] += fmt.Sprintf("%g ", time.Since(w.began).Seconds())
	if w.exhausted {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}
	}
	if w.down[name] {
		return nil, errors.New("connection refused")
	}
	near, far := net.Pipe()
	far.Close()
	return near, nil
}

func (w *world) set(name string, down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[name] = down
}

func (w *world) probed(name, want string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := w.probes[name]; got != want {
		w.t.Errorf("%s was probed at %q, want %q", name, got, want)
	}
}

// count is how often an address was probed.
func (w *world) count(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.probes[name], " ")
}

func (w *world) apply(p *proxyconfig.Policy, addresses ...string) *balance.Cluster {
	return w.applyAs(proxyconfig.BackendHTTP1, p, addresses...)
}

func (w *world) applyAs(protocol string, p *proxyconfig.Policy, addresses ...string) *balance.Cluster {
	b := &proxyconfig.Backend{ID: "a", Port: 80, Protocol: protocol, Policy: p}
	for _, a := range addresses {
		b.Endpoints = append(b.Endpoints, proxyconfig.Endpoint{Address: a, Port: 80})
	}
	ch := w.registry.Prepare([]*proxyconfig.Backend{b})
	ch.Commit()
	synctest.Wait()
	return ch.Cluster("a")
}

// pass lets time go by, and the Checker do what falls due meanwhile.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) counts(c *balance.Cluster, active, ejected int) {
	w.t.Helper()
	if got, want := c.Counts(w.now()), (balance.Counts{Active: active, Ejected: ejected}); got != want {
		w.t.Errorf("after %v: got %+v, want %+v", time.Since(w.began), got, want)
	}
}

func TestStoryOfReadmission(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.apply(nil, "10.0.0.1", "10.0.0.2")
		pass(time.Hour)
		w.probed("10.0.0.1", "")
		bad := c.Endpoints()[0]
		w.set("10.0.0.1", true)
		bad.Failed(w.now())
		pass(199 * time.Millisecond)
		w.probed("10.0.0.1", "")
		pass(401 * time.Millisecond)
		w.probed("10.0.0.1", "3600.2 3600.4 3600.6 ")
		w.counts(c, 1, 1)
		w.set("10.0.0.1", false)
		pass(200 * time.Millisecond)
		w.probed("10.0.0.1", "3600.2 3600.4 3600.6 3600.8 ")
		w.counts(c, 2, 0)
		if bad.EjectedUntil() != 0 {
			t.Error("a good probe did not readmit it")
		}
		pass(time.Hour)
		w.probed("10.0.0.1", "3600.2 3600.4 3600.6 3600.8 ")
		w.probed("10.0.0.2", "")
	})
}

// An endpoint whose connections are taken and fail all the same stays out for the time
// of its ejections, and is not given a request after each probe.
func TestARelapseIsWaitedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.apply(nil, "10.0.0.1", "10.0.0.2")
		bad := c.Endpoints()[0]
		bad.Failed(w.now())
		pass(200 * time.Millisecond)
		w.counts(c, 2, 0)
		bad.Failed(w.now())
		pass(999 * time.Millisecond)
		w.counts(c, 1, 1)
		pass(time.Millisecond)
		w.counts(c, 2, 0)
		w.probed("10.0.0.1", "0.2 1.2 ")
		pass(time.Minute)
		bad.Failed(w.now())
		pass(200 * time.Millisecond)
		w.counts(c, 2, 0)
	})
}

// Who was away for 22 s is missed for less than 300 ms, for an hour less than half a
// minute.
func TestProbesOfOneThatIsAway(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.apply(nil, "10.0.0.1", "10.0.0.2")
		w.set("10.0.0.1", true)
		c.Endpoints()[0].Failed(w.now())
		for _, phase := range []struct {
			length time.Duration
			most   int
		}{{22 * time.Second, 120}, {22 * time.Second, 120}, {time.Hour, 800}, {time.Hour, 130}} {
			before := w.count("10.0.0.1")
			pass(phase.length)
			if n := w.count("10.0.0.1") - before; n > phase.most {
				t.Errorf("%d probes in %v, want %d at most", n, phase.length, phase.most)
			}
		}
	})
	for _, away := range []time.Duration{22 * time.Second, time.Hour} {
		inWorld(t, func(w *world) {
			c := w.apply(nil, "10.0.0.1", "10.0.0.2")
			w.set("10.0.0.1", true)
			c.Endpoints()[0].Failed(w.now())
			pass(away)
			w.set("10.0.0.1", false)
			pass(max(300*time.Millisecond, away/120))
			w.counts(c, 2, 0)
		})
	}
}

func TestProbesOfManyThatAreAway(t *testing.T) {
	const endpoints = 1000
	inWorld(t, func(w *world) {
		var addresses []string
		for i := range endpoints {
			addresses = append(addresses, fmt.Sprintf("10.1.%d.%d", i/250, i%250))
			w.set(addresses[i], true)
		}
		c := w.apply(nil, addresses...)
		for _, e := range c.Endpoints() {
			e.Failed(w.now())
		}
		pass(10 * time.Second)
		total := 0
		for _, a := range addresses {
			total += w.count(a)
		}
		// Four ejections of each run out meanwhile.
		if most := 10*perSecond + 4*endpoints; total > most || total < endpoints {
			t.Errorf("%d probes in ten seconds, want %d to %d", total, endpoints, most)
		}
	})
}

// An endpoint that takes datagrams takes no connection: none is tried, lest it
// stay out for good. A check of another port of it tells how it is.
func TestDatagramsAreNotProbed(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.applyAs(proxyconfig.BackendUDP, nil, "10.0.0.1", "10.0.0.2")
		w.set("10.0.0.1", true)
		c.Endpoints()[0].Failed(w.now())
		pass(10 * time.Second)
		w.probed("10.0.0.1", "")
		checked := &proxyconfig.Policy{Check: &proxyconfig.HealthCheck{Type: proxyconfig.CheckTCP, Port: 81, IntervalMillis: 4000}}
		w.set("10.0.0.1", false)
		w.applyAs(proxyconfig.BackendUDP, checked, "10.0.0.1", "10.0.0.2")
		pass(time.Second)
		w.probed("10.0.0.1", "10 ")
		w.counts(c, 2, 0)
		w.applyAs(proxyconfig.BackendUDP, nil, "10.0.0.1", "10.0.0.2")
		pass(time.Minute)
		w.probed("10.0.0.1", "10 ")
	})
}

func TestStoryOfAChecked(t *testing.T) {
	policy := &proxyconfig.Policy{Check: &proxyconfig.HealthCheck{Type: proxyconfig.CheckTCP, IntervalMillis: 4000, Healthy: 2, Unhealthy: 3}}
	inWorld(t, func(w *world) {
		c := w.apply(policy, "10.0.0.1", "10.0.0.2")
		pass(10 * time.Second)
		w.probed("10.0.0.1", "0 4 8 ")
		w.probed("10.0.0.2", "2 6 10 ")
		w.set("10.0.0.1", true)
		pass(6 * time.Second) // failed at 12 and 16
		w.counts(c, 2, 0)
		pass(4 * time.Second)
		w.counts(c, 1, 1)
		w.set("10.0.0.1", false)
		pass(4 * time.Second)
		w.counts(c, 1, 1)
		pass(4 * time.Second)
		w.counts(c, 2, 0)
	})
}

func TestChecksEndWithTheirPolicyOrEndpoint(t *testing.T) {
	policy := &proxyconfig.Policy{Check: &proxyconfig.HealthCheck{Type: proxyconfig.CheckTCP, IntervalMillis: 1000, Unhealthy: 1}}
	inWorld(t, func(w *world) {
		w.set("10.0.0.1", true)
		c := w.apply(policy, "10.0.0.1")
		w.counts(c, 0, 1)
		w.apply(nil, "10.0.0.1")
		w.counts(c, 1, 0)
		pass(10 * time.Second)
		w.probed("10.0.0.1", "0 ")
		w.apply(policy, "10.0.0.2")
		w.apply(policy, "10.0.0.3")
		pass(time.Second)
		w.probed("10.0.0.2", "10 ")
		w.probed("10.0.0.3", "10 11 ")
	})
}

// An endpoint that waits for its next check does not wait for what the interval was.
func TestAShorterIntervalHoldsAtOnce(t *testing.T) {
	every := func(millis int64) *proxyconfig.Policy {
		return &proxyconfig.Policy{Check: &proxyconfig.HealthCheck{Type: proxyconfig.CheckTCP, IntervalMillis: millis}}
	}
	inWorld(t, func(w *world) {
		w.apply(every(3_600_000), "10.0.0.1", "10.0.0.2")
		pass(10 * time.Second)
		w.apply(every(4000), "10.0.0.1", "10.0.0.2")
		pass(9 * time.Second)
		w.probed("10.0.0.1", "0 14 18 ")
		w.probed("10.0.0.2", "14 18 ")
		w.apply(every(3_600_000), "10.0.0.1", "10.0.0.2")
		pass(time.Minute)
		w.probed("10.0.0.1", "0 14 18 22 ")
	})
}

// A probe that fails after ejection was turned off must not be run again and
// again.
func TestTurningEjectionOffEndsItsProbes(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.apply(nil, "10.0.0.1", "10.0.0.2")
		w.set("10.0.0.1", true)
		c.Endpoints()[0].Failed(w.now())
		synctest.Wait()
		w.apply(&proxyconfig.Policy{Ejection: &proxyconfig.Ejection{Disabled: true}}, "10.0.0.1", "10.0.0.2")
		w.counts(c, 2, 0)
		pass(10 * time.Second)
		w.probed("10.0.0.1", "")
	})
}

// A probe for which there is no descriptor blames nobody, readmits nobody, and
// is made later.
func TestProbesWithoutDescriptors(t *testing.T) {
	policy := &proxyconfig.Policy{Check: &proxyconfig.HealthCheck{Type: proxyconfig.CheckTCP, IntervalMillis: 4000, Unhealthy: 1}}
	inWorld(t, func(w *world) {
		w.exhausted = true
		c := w.apply(policy, "10.0.0.1", "10.0.0.2")
		pass(10 * time.Second)
		w.probed("10.0.0.1", "0 4 8 ")
		w.counts(c, 2, 0)
	})
	inWorld(t, func(w *world) {
		w.exhausted = true
		c := w.apply(nil, "10.0.0.1", "10.0.0.2")
		c.Endpoints()[0].Failed(w.now())
		pass(3 * time.Second)
		w.probed("10.0.0.1", "0.2 1.2 2.2 ")
		w.mu.Lock()
		w.exhausted = false
		w.mu.Unlock()
		pass(time.Second)
		w.probed("10.0.0.1", "0.2 1.2 2.2 3.2 ")
		w.counts(c, 2, 0)
		if c.Endpoints()[0].EjectedUntil() != 0 {
			t.Error("a good probe did not readmit it")
		}
	})
}

func TestManyProbesRunFewAtATime(t *testing.T) {
	inWorld(t, func(w *world) {
		var addresses []string
		for i := range 200 {
			addresses = append(addresses, fmt.Sprintf("10.0.1.%d", i))
		}
		c := w.apply(nil, addresses...)
		for _, e := range c.Endpoints() {
			e.Failed(w.now())
		}
		pass(time.Second)
		w.counts(c, 200, 0)
	})
}
