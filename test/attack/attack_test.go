package attack

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/edge"
	"github.com/fleetgate/fleetgate/test/internal/target"
)

// The rules for every attack.
const (
	// slower is how many times as long as else a victim may wait, in half of the
	// cases and in one of a hundred. The others are delays that a busy machine
	// causes by itself, to one request seldom and to most of them never.
	slower       = 2
	toleranceP50 = 2 * time.Millisecond
	toleranceP99 = 20 * time.Millisecond
	// amplified is how many times its own CPU time an attacker may cost the
	// proxy. What is below spared is no matter: an attack of a few packets takes less
	// than what else a process does of itself.
	amplified = 10
	spared    = 50 * time.Millisecond
	memory    = 64 << 20
	// inFlight is how many requests may be on their way when an attacker leaves:
	// as many as a connection has parallel streams.
	inFlight = 100
	// attempts are made until one keeps the rules about time, or all of them together
	// do: another program on the machine can spoil some, or leave each with too few
	// requests to tell, a weakness of the proxy spoils all.
	attempts = 10
)

func TestAttacks(t *testing.T) {
	b := startBackend(t)
	proxy := target.Start(t, target.Backend{Address: b.address()})
	wantHTTP2(t, proxy)
	r := newRig(t, proxy, b, host, target.Start(t, target.Backend{Address: b.address()}), first)
	for _, a := range All() {
		t.Run(a.Name, func(t *testing.T) {
			r.judge(t, a)
		})
	}
}

// A port whose clients need a certificate looks at any that they have.
func TestAttacksByCertificate(t *testing.T) {
	b := startBackend(t)
	proxy := target.StartValidating(t, target.Backend{Address: b.address()}, edge.NewCertificate(t, "clients", host))
	r := newRig(t, proxy, b, host, target.Start(t, target.Backend{Address: b.address()}), first)
	for _, a := range Validated() {
		t.Run(a.Name, func(t *testing.T) {
			r.judge(t, a)
		})
	}
}

// judge makes the attack, again if need be, and reports the rules that were
// broken.
func (r *rig) judge(t *testing.T, a Attack) {
	judge(t, func() round {
		m, err := r.measure(a)
		if err != nil {
			t.Fatal(err)
		}
		return m
	})
}

func judge(t *testing.T, measure func() round) {
	var all round
	for attempt := 1; ; attempt++ {
		m := measure()
		all = all.and(m)
		broken, slow := m.broken(), m.slow()
		if len(slow) > 0 {
			slow = all.slow()
		}
		if len(broken) == 0 && len(slow) > 0 && attempt < attempts {
			continue
		}
		t.Logf("measured: %v", m)
		for _, rule := range append(broken, slow...) {
			t.Error(rule)
		}
		return
	}
}

// and is what two rounds say of time together.
func (m round) and(later round) round {
	later.around, later.under, later.beside = merge(m.around, later.around), merge(m.under, later.under), merge(m.beside, later.beside)
	later.proxyCPU += m.proxyCPU
	later.attackerCPU += m.attackerCPU
	return later
}

// broken lists the rules that were not kept, whatever else the machine did.
func (m round) broken() (rules []string) {
	if m.grown >= memory {
		rules = append(rules, fmt.Sprintf("the proxy grew by %d MiB", m.grown>>20))
	}
	if m.forwarded > m.Streams {
		rules = append(rules, fmt.Sprintf("the backend got %d requests of %d streams", m.forwarded, m.Streams))
	}
	if m.late > inFlight {
		rules = append(rules, fmt.Sprintf("the backend got %d requests after the attacker had gone", m.late))
	}
	return rules
}

// slow lists the rules about time that were not kept.
func (m round) slow() (rules []string) {
	// How busy the machine is changes within a run, and by the attacker itself.
	p50 := max(m.calm.p50(), m.around.p50(), m.beside.p50())
	p99 := max(m.calm.p99(), m.around.p99(), m.beside.p99())
	if len(m.under) == 0 || m.under.p50() > bound(p50, toleranceP50) {
		rules = append(rules, fmt.Sprintf("the victim's median is %v, and was %v", m.under.p50(), p50))
	}
	if m.under.p99() > bound(p99, toleranceP99) {
		rules = append(rules, fmt.Sprintf("the victim's p99 is %v, and was %v", m.under.p99(), p99))
	}
	if m.Open > 0 {
		rules = append(rules, fmt.Sprintf("%d of %d connections were left open for %v", m.Open, m.Connections, m.Lasted))
	}
	if m.proxyCPU >= max(amplified*m.attackerCPU, spared) {
		rules = append(rules, fmt.Sprintf("the proxy took %v of CPU, the attacker %v", m.proxyCPU, m.attackerCPU))
	}
	return rules
}

// bound is the most that a victim may wait.
func bound(calm, tolerance time.Duration) time.Duration { return max(slower*calm, calm+tolerance) }

func TestRulesCanBeBroken(t *testing.T) {
	calm, slow := make(latencies, 100), make(latencies, 100)
	slow[99] = toleranceP99 + 1
	sound := round{calm: calm, under: calm, Report: Report{Streams: 10}, forwarded: 10, late: inFlight}
	if rules := append(sound.broken(), sound.slow()...); len(rules) > 0 {
		t.Errorf("a sound round breaks %q", rules)
	}
	busy := sound
	busy.under, busy.beside = slow, slow
	if rules := busy.slow(); len(rules) > 0 {
		t.Errorf("what a bystander sees as well breaks %q", rules)
	}
	for name, spoil := range map[string]func(*round){
		"memory":       func(m *round) { m.grown = memory },
		"left open":    func(m *round) { m.Open = 1 },
		"forwarded":    func(m *round) { m.forwarded = 11 },
		"late":         func(m *round) { m.late = inFlight + 1 },
		"slow victim":  func(m *round) { m.under = slow },
		"lame victim":  func(m *round) { m.under = latencies{toleranceP50 + 1} },
		"still victim": func(m *round) { m.under = nil },
		"CPU":          func(m *round) { m.proxyCPU, m.attackerCPU = time.Second, time.Second/amplified },
	} {
		m := sound
		if spoil(&m); len(m.broken())+len(m.slow()) != 1 {
			t.Errorf("%s: got %q and %q, want one of them", name, m.broken(), m.slow())
		}
	}
}

// String is the round in one line.
func (m round) String() string {
	return fmt.Sprintf("victim p50 %v (%v before, %v beside), p99 %v (%v, %v), memory +%.1f MiB, CPU %v for the attacker's %v, %d connections of up to %v, %d streams, %d requests forwarded",
		m.under.p50().Round(time.Microsecond), m.calm.p50().Round(time.Microsecond), m.beside.p50().Round(time.Microsecond),
		m.under.p99().Round(time.Microsecond), m.calm.p99().Round(time.Microsecond), m.beside.p99().Round(time.Microsecond), float64(m.grown)/(1<<20),
		m.proxyCPU.Round(time.Millisecond), m.attackerCPU.Round(time.Millisecond),
		m.Connections, m.Lasted.Round(time.Millisecond), m.Streams, m.forwarded)
}

func merge(some, more latencies) latencies {
	all := slices.Concat(some, more)
	slices.Sort(all)
	return all
}
