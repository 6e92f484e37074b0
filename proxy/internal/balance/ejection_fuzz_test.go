package balance

import (
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// ejectionPolicies are those of FuzzEjection; the first one has the defaults.
var ejectionPolicies = []*proxyconfig.Policy{
	nil,
	{Ejection: &proxyconfig.Ejection{ConsecutiveErrors: 2, MaxPercent: 50}, SlowStartMillis: 5000},
	{Ejection: &proxyconfig.Ejection{ConsecutiveErrors: 1, MaxPercent: 100, BaseMillis: 100}, Algorithm: proxyconfig.PeakEWMA},
	{Ejection: &proxyconfig.Ejection{Disabled: true}, Algorithm: proxyconfig.LeastRequest},
}

// ejecting is a Cluster beside what is known of its endpoints by looking on.
type ejecting struct {
	t       *testing.T
	cluster *Cluster
	now     int64
	marks   map[*Endpoint]*mark
}

// mark is what an onlooker knows of an endpoint.
type mark struct {
	inFlight int64
	// inRow counts the errors since the last good answer, ejection or readmission.
	inRow int32
	until int64
}

// do has something happen to an endpoint, which may eject it if may says so.
func (x *ejecting) do(e *Endpoint, may bool, f func()) {
	m := x.marks[e]
	out := 0
	for _, other := range x.cluster.Endpoints() {
		if other != e && other.EjectedUntil() != 0 {
			out++
		}
	}
	f()
	until, p := e.EjectedUntil(), x.cluster.Policy()
	switch {
	case until == m.until:
	case until == 0:
		m.inRow = 0
	case !may:
		x.t.Errorf("an endpoint is ejected until %v without a reason", time.Duration(until))
	case !p.ejects:
		x.t.Error("an endpoint is ejected by a policy that ejects none")
	case until <= x.now || until > x.now+p.longestEjection:
		x.t.Errorf("ejected at %v until %v", time.Duration(x.now), time.Duration(until))
	case m.until == 0 && out >= max(1, len(x.cluster.Endpoints())*p.maxEjectedPercent/100):
		x.t.Errorf("one more is ejected beside %d", out)
	default:
		m.inRow = 0
	}
	m.until = until
}

// end ends an attempt at an endpoint, if there is one.
func (x *ejecting) end(e *Endpoint, o Outcome) {
	m := x.marks[e]
	if m.inFlight == 0 {
		return
	}
	m.inFlight--
	limit, may := x.cluster.Policy().consecutiveErrors, false
	switch o {
	case Answered:
		m.inRow = 0
	case ServerError, Broken:
		m.inRow++
		may = e.trial.Load() || limit > 0 && m.inRow >= limit
	}
	x.do(e, may, func() { e.End(x.now, x.now, o) })
}

// choose holds what is chosen to being well where any endpoint is, but for those
// whose ejection has run out, of which each may be tried by one.
func (x *ejecting) choose(random uint64) {
	well, ejected := 0, map[*Endpoint]int64{}
	for _, e := range x.cluster.Endpoints() {
		if ejected[e] = e.EjectedUntil(); e.well() {
			well++
		}
	}
	e, refusal := x.cluster.Choose(&Request{Now: x.now, Random: random})
	if e == nil || refusal != NotRefused {
		x.t.Fatalf("refused: %d", refusal)
	}
	if until := ejected[e]; well > 0 && !e.well() && (until == 0 || e.unhealthy.Load() || until > x.now || !e.trial.Load()) {
		x.t.Errorf("of %d that are well, one was passed over for one ejected until %v", well, time.Duration(until))
	}
	for other, m := range x.marks {
		// To admit one request moves the end of an ejection.
		if other.EjectedUntil() != m.until && (m.until == 0 || m.until > x.now) {
			x.t.Error("choosing has ejected an endpoint")
		}
		m.until = other.EjectedUntil()
	}
	e.Begin()
	x.marks[e].inFlight++
}

// FuzzEjection has attempts begin and end in any way, checks and probes take
// endpoints out and in, and time pass. Only reasons eject, never more endpoints
// than may be, nor for longer; who is chosen is well; and a good connection or
// answer brings everybody back.
func FuzzEjection(f *testing.F) {
	f.Add(uint8(0), []byte("\x00\x05\x00\x05\x00\x05\x00\x05\x00\x05\x00\x05"))
	f.Add(uint8(1), []byte("\x00\x05\x00\x05\x0d\x00\x04\x00\x06\x00\x0e\x00\x08\x09"))
	f.Add(uint8(2), []byte("\x02\x12\x22\x32\x00\x4d\x00\x04\x0b\x1b\x00\x0c"))
	f.Add(uint8(0x13), []byte("\x02\x00\x06\x0a\x1a\x2a\x3a\x00\x0b\x03"))
	f.Fuzz(func(t *testing.T, by uint8, ops []byte) {
		r := NewRegistry(Options{})
		x := &ejecting{t: t, now: second, cluster: applyPolicy(t, r, addresses(4), ejectionPolicies[by%4]), marks: map[*Endpoint]*mark{}}
		if by&16 != 0 {
			_, stop := r.StartProbing()
			defer stop()
		}
		for _, e := range x.cluster.Endpoints() {
			x.marks[e] = &mark{}
		}
		for i, op := range ops {
			x.step(op, uint64(i)*golden)
		}
		x.recover()
	})
}

// step does what the lower half of op says to the endpoint of the upper half.
func (x *ejecting) step(op byte, random uint64) {
	e := x.cluster.Endpoints()[op>>4&3]
	switch op & 15 {
	case 0, 1:
		x.choose(random)
	case 2:
		x.do(e, true, func() { e.Failed(x.now) })
	case 3:
		x.do(e, false, e.Succeeded)
	case 4, 5, 6, 7:
		x.end(e, Outcome(op&3))
	case 8:
		x.do(e, false, e.Readmit)
		if e.EjectedUntil() != 0 {
			x.t.Error("who is readmitted is ejected")
		}
		x.marks[e].inRow = 0
	case 10, 11:
		x.do(e, false, func() { e.SetHealthy(op&1 == 1) })
	default:
		x.now += int64(time.Millisecond) << (op >> 4)
	}
	if got := e.InFlight(); got != x.marks[e].inFlight {
		x.t.Errorf("%d in flight, want %d", got, x.marks[e].inFlight)
	}
}

// recover has each endpoint give a good answer after all ejections, and finds all endpoints in
// use again.
func (x *ejecting) recover() {
	for e := range x.marks {
		x.do(e, false, func() { e.SetHealthy(true) })
		x.do(e, false, e.Readmit)
		e.Begin()
		for x.marks[e].inFlight++; x.marks[e].inFlight > 0; {
			x.end(e, Answered)
		}
	}
	x.now += 24 * 3600 * second
	if got, want := x.cluster.Counts(x.now), (Counts{Active: 4}); got != want {
		x.t.Errorf("in the end there are %+v", got)
	}
	for e, m := range x.marks {
		if !e.well() || e.ejections.Load() != 0 || m.inFlight != 0 || x.cluster.load.requests.Load() != 0 {
			x.t.Errorf("in the end it is well %v after %d ejections, with %d requests", e.well(), e.ejections.Load(), x.cluster.load.requests.Load())
		}
	}
}
