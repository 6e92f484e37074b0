package health

import (
	"fmt"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// rounds is a schedule whose probes run and end as a script says, beside what is
// known of the results by looking on.
type rounds struct {
	t        *testing.T
	s        schedule
	registry *balance.Registry
	now      int64
	running  []*target
	rise     int
	decline  int
	checked  bool
	// goods and bads are the results in a row, out is whom they have taken out.
	goods, bads map[*balance.Endpoint]int
	out         map[*balance.Endpoint]bool
}

// apply gives the backend another number of endpoints, and a check or none.
func (r *rounds) apply(endpoints int, checked bool) {
	b := &proxyconfig.Backend{ID: "ns/b:80", Namespace: "ns", Service: "b", Port: 80, Protocol: "http", Policy: &proxyconfig.Policy{}}
	if checked {
		b.Policy.Check = &proxyconfig.HealthCheck{Type: proxyconfig.CheckTCP, Healthy: int32(r.rise), Unhealthy: int32(r.decline)}
	}
	for i := range endpoints {
		b.Endpoints = append(b.Endpoints, proxyconfig.Endpoint{Address: fmt.Sprintf("10.0.0.%d", i+1), Port: 80})
	}
	ch := r.registry.Prepare([]*proxyconfig.Backend{b})
	ch.Commit()
	r.checked = checked
	r.s.follow(r.registry.Changed(), r.now)
	for _, e := range ch.Cluster(b.ID).Endpoints() {
		if !checked {
			r.forget(e)
		}
	}
	r.forgetGone()
}

// remove takes the backend away.
func (r *rounds) remove() {
	r.registry.Prepare(nil).Commit()
	r.s.follow(r.registry.Changed(), r.now)
	r.forgetGone()
	if len(r.s.targets) > 0 {
		r.t.Errorf("%d endpoints are probed of no backend", len(r.s.targets))
	}
}

// forget is what happens to the results of who has no check any more.
func (r *rounds) forget(e *balance.Endpoint) {
	delete(r.goods, e)
	delete(r.bads, e)
	delete(r.out, e)
}

func (r *rounds) forgetGone() {
	for _, counts := range []map[*balance.Endpoint]int{r.goods, r.bads} {
		for e := range counts {
			if e.Gone() {
				r.forget(e)
			}
		}
	}
}

// learn takes a result, and holds who is in or out to the results in a row.
func (r *rounds) learn(t *target, ok bool) {
	e, known := t.endpoint, r.s.targets[t.endpoint] == t
	r.s.learn(t, ok, r.now)
	if !known || e.Gone() || t.check == nil {
		return
	}
	if ok {
		r.goods[e], r.bads[e] = r.goods[e]+1, 0
	} else {
		r.goods[e], r.bads[e] = 0, r.bads[e]+1
	}
	if r.bads[e] >= r.decline {
		r.out[e] = true
	} else if r.goods[e] >= r.rise {
		r.out[e] = false
	}
	if t.out != r.out[e] {
		r.t.Errorf("after %d good and %d bad results it is out: %v", r.goods[e], r.bads[e], t.out)
	}
}

// step does what the lower bits of op say.
func (r *rounds) step(op byte) {
	arg := int(op >> 3)
	switch op & 7 {
	case 0:
		if arg&8 != 0 {
			r.remove()
			return
		}
		r.apply(arg&3, arg&4 != 0)
	case 1:
		for t := r.s.take(r.now); t != nil; t = r.s.take(r.now) {
			if t.at > r.now || t.place >= 0 {
				r.t.Error("a probe begins too early")
			}
			r.running = append(r.running, t)
		}
	case 2, 3, 4:
		if len(r.running) > 0 {
			i := arg / 2 % len(r.running)
			t := r.running[i]
			r.running = append(r.running[:i], r.running[i+1:]...)
			if op&7 == 4 && arg&1 == 1 {
				r.s.postpone(t, r.now)
			} else {
				r.learn(t, op&7 == 2)
			}
		}
	case 5:
		for _, c := range r.registry.Clusters() {
			if es := c.Endpoints(); len(es) > 0 {
				es[arg%len(es)].Failed(r.now)
			}
		}
		r.s.follow(r.registry.Changed(), r.now)
	default:
		r.now += int64(100*time.Millisecond) << (arg % 10)
	}
}

// check looks whether whoever waits is in order, and nobody is forgotten: each
// endpoint that has a check or is ejected waits for its probe or has one.
func (r *rounds) check() {
	for i, t := range r.s.waiting {
		if t.place != i || i > 0 && r.s.waiting[(i-1)/2].at > t.at || r.s.targets[t.endpoint] != t {
			r.t.Fatalf("target %d of %d waits at %d, until %d", i, len(r.s.waiting), t.place, t.at)
		}
	}
	probed := 0
	for _, t := range r.s.targets {
		if t.place < 0 {
			probed++
		}
	}
	listed := 0
	for _, of := range r.s.of {
		listed += len(of)
	}
	if listed != len(r.s.targets) {
		r.t.Fatalf("%d of %d targets are listed by their Clusters", listed, len(r.s.targets))
	}
	if probed+len(r.s.waiting) != len(r.s.targets) || probed > len(r.running) {
		r.t.Fatalf("of %d targets %d wait, and %d are being probed", len(r.s.targets), len(r.s.waiting), probed)
	}
	for _, c := range r.registry.Clusters() {
		for _, e := range c.Endpoints() {
			if t := r.s.targets[e]; t == nil && (r.checked || e.EjectedUntil() != 0) {
				r.t.Fatal("an endpoint is never probed")
			}
		}
	}
}

// FuzzSchedule has endpoints come, go and be ejected, checks begin and end, and
// probes end in any order. Whoever is to be probed is; none before its time; and
// who is in or out is so by the results in a row.
func FuzzSchedule(f *testing.F) {
	f.Add(uint8(0), []byte("\x3f\x38\x01\x02\x02\x03\x3e\x01\x03\x03\x03\x3e\x01\x02"))
	f.Add(uint8(5), []byte("\x38\x01\x18\x02\x0c\x38\x3e\x01\x0c\x3e\x01\x03"))
	f.Add(uint8(0), []byte("\x28\x01\x40\x02\x28\x05\x40\x03\x01"))
	f.Add(uint8(9), []byte("\x18\x05\x0d\x3e\x01\x03\x3e\x01\x02\x10\x3e\x38\x01\x20\x02"))
	f.Fuzz(func(t *testing.T, thresholds uint8, ops []byte) {
		r := &rounds{
			t: t, s: newSchedule(), registry: balance.NewRegistry(balance.Options{}), now: int64(time.Second),
			rise: 1 + int(thresholds&3), decline: 1 + int(thresholds>>2&3),
			goods: map[*balance.Endpoint]int{}, bads: map[*balance.Endpoint]int{}, out: map[*balance.Endpoint]bool{},
		}
		_, stop := r.registry.StartProbing()
		defer stop()
		r.apply(2, true)
		for _, op := range ops {
			r.step(op)
			r.check()
		}
	})
}
