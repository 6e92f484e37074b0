package attack

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
)

const (
	// quiet is how long the victim is watched without an attack after each, and
	// first before them all; attacked is how long it is attacked at least.
	quiet    = 200 * time.Millisecond
	first    = time.Second
	attacked = 400 * time.Millisecond
)

// round is what one attack did.
type round struct {
	Report
	// calm is what the victim saw in all of the run when there was no attack,
	// around what it saw of that just before and after this attack, and under what
	// it saw during it. beside is what another one saw meanwhile, of a proxy that
	// nobody attacks: that is what the machine did.
	calm, around, under, beside latencies
	// grown is by how much the proxy's memory grew at most.
	grown int
	// proxyCPU is what the proxy spent beyond what as many requests of the victim
	// cost it at rest.
	proxyCPU, attackerCPU time.Duration
	// forwarded is how many requests of the attack have reached the backend, and
	// late how many of them after the attacker had gone.
	forwarded, late int
}

// rig is a proxy with a victim and a backend, and another one beside it that nobody
// attacks.
type rig struct {
	proxy             *target.Proxy
	backend           *backend
	victim, bystander *victim
	// calm is what the victim has seen in all rests, last in the last one.
	calm, last latencies
	// restCPU is what the proxy has spent in all rests.
	restCPU time.Duration
}

// newRig has the victim ask for a name, of which the backend is, and rests for a
// while.
func newRig(t *testing.T, proxy *target.Proxy, b *backend, name string, beside *target.Proxy, while time.Duration) *rig {
	t.Helper()
	r := &rig{
		proxy: proxy, backend: b,
		victim: newVictim(t, proxy.Plain, name), bystander: newVictim(t, beside.Plain, host),
	}
	if err := r.rest(while); err != nil {
		t.Fatal(err)
	}
	return r
}

// wantHTTP2 fails the test when the proxy speaks no HTTP/2: one that does not
// would turn most attacks away, and prove nothing.
func wantHTTP2(t *testing.T, proxy *target.Proxy) {
	t.Helper()
	for address, config := range map[string]*tls.Config{proxy.Plain: nil, proxy.TLS: clientTLS()} {
		conn, err := wire.Dial(address, config)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := errors.Join(conn.Preface(), conn.Headers(1, true, wire.Request("GET", host, "/victim")...)); err != nil {
			t.Fatal(err)
		}
		if got := conn.Response(1, cutOff); got.Status() != "200" {
			t.Fatalf("a request by HTTP/2: %v", got)
		}
	}
}

// measure makes the attack once.
func (r *rig) measure(a Attack) (m round, err error) {
	r.backend.attacks.Store(0)
	var report Report
	m, err = r.under(func() (cpu time.Duration, err error) {
		report, cpu, err = r.attack(a)
		return cpu, err
	})
	m.Report = report
	return m, err
}

// under is what comes of an attack, of which f says what CPU time it took, and of a
// rest after it.
func (r *rig) under(f func() (time.Duration, error)) (m round, err error) {
	var cpu time.Duration
	s, err := r.watch(func() (err error) {
		cpu, err = f()
		return err
	})
	if err != nil {
		return m, fmt.Errorf("under attack: %w", err)
	}
	forwarded := int(r.backend.attacks.Load())
	before := r.last
	if err := r.rest(quiet); err != nil {
		return m, fmt.Errorf("after the attack: %w", err)
	}
	return round{
		calm: r.calm, around: merge(before, r.last), under: s.seen, beside: s.beside, grown: s.grown,
		proxyCPU: s.cpu - r.cost(len(s.seen)), attackerCPU: cpu,
		forwarded: forwarded, late: int(r.backend.attacks.Load()) - forwarded,
	}, nil
}

// rest watches the victim while there is no attack.
func (r *rig) rest(during time.Duration) error {
	s, err := r.watch(func() error { time.Sleep(during); return nil })
	r.calm, r.last = merge(r.calm, s.seen), s.seen
	r.restCPU += s.cpu
	return err
}

// cost is what so many requests of the victim cost the proxy at rest.
func (r *rig) cost(requests int) time.Duration {
	return r.restCPU * time.Duration(requests) / time.Duration(max(len(r.calm), 1))
}

// sight is what was seen for a while.
type sight struct {
	// seen is by the victim, beside by the bystander.
	seen, beside latencies
	// cpu is what the proxy spent, grown by how much its memory grew at most.
	cpu   time.Duration
	grown int
}

// watch has the victims ask while f runs, and says what the proxy used.
func (r *rig) watch(f func() error) (s sight, err error) {
	before, err := r.proxy.Usage()
	if err != nil {
		return s, err
	}
	end, asked, peak := make(chan struct{}), make(chan error, 2), make(chan int, 1)
	ask := func(v *victim, seen *latencies) {
		var err error
		*seen, err = v.during(end)
		asked <- err
	}
	go ask(r.victim, &s.seen)
	go ask(r.bystander, &s.beside)
	go func() { peak <- r.peak(end) }()
	err = f()
	close(end)
	if victimErr := errors.Join(<-asked, <-asked); err == nil && victimErr != nil {
		err = fmt.Errorf("the victim: %w", victimErr)
	}
	s.grown = <-peak - before.RSS
	after, usageErr := r.proxy.Usage()
	if err == nil {
		err = usageErr
	}
	s.cpu = after.CPU - before.CPU
	return s, err
}

// peak is the most memory that the proxy had until the channel was closed. A
// proxy that is gone is noticed elsewhere.
func (r *rig) peak(end <-chan struct{}) (most int) {
	for {
		if now, err := r.proxy.Usage(); err == nil {
			most = max(most, now.RSS)
		}
		select {
		case <-end:
			return most
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// attack has a process of its own make the attack, and returns the CPU time
// that it took.
func (r *rig) attack(a Attack) (report Report, cpu time.Duration, err error) {
	text, err := json.Marshal(order{Name: a.Name, Plain: r.proxy.Plain, TLS: r.proxy.TLS, During: attacked})
	if err != nil {
		return report, 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return report, 0, err
	}
	var said bytes.Buffer
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), orderVariable+"="+string(text))
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return report, 0, fmt.Errorf("the attacker: %w\n%s", err, said.String())
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return report, 0, fmt.Errorf("the report %q: %w", out, err)
	}
	if report.Trouble != "" {
		err = fmt.Errorf("the attack: %s", report.Trouble)
	}
	return report, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}
