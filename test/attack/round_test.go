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
	// it saw during it.
	calm, around, under latencies
	// grown is by how much the proxy's memory grew at most.
	grown int
	// proxyCPU is what the proxy spent, on the victim too.
	proxyCPU, attackerCPU time.Duration
	// forwarded is how many requests of the attack have reached the backend, and
	// late how many of them after the attacker had gone.
	forwarded, late int
}

// rig is a proxy with a victim and a backend.
type rig struct {
	proxy   *target.Proxy
	backend *backend
	victim  *victim
	// calm is what the victim has seen in all rests, last in the last one.
	calm, last latencies
}

func newRig(t *testing.T) *rig {
	t.Helper()
	b := startBackend(t)
	proxy := target.Start(t, target.Backend{Address: b.address()})
	r := &rig{proxy: proxy, backend: b, victim: newVictim(t, proxy.Plain, host)}
	r.wantHTTP2(t)
	if err := r.rest(first); err != nil {
		t.Fatal(err)
	}
	return r
}

// wantHTTP2 fails the test when the proxy speaks no HTTP/2: one that does not
// would turn most attacks away, and prove nothing.
func (r *rig) wantHTTP2(t *testing.T) {
	t.Helper()
	for address, config := range map[string]*tls.Config{r.proxy.Plain: nil, r.proxy.TLS: clientTLS()} {
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
	m.under, m.proxyCPU, m.grown, err = r.watch(func() (err error) {
		m.Report, m.attackerCPU, err = r.attack(a)
		return err
	})
	if err != nil {
		return m, fmt.Errorf("under attack: %w", err)
	}
	m.forwarded = int(r.backend.attacks.Load())
	before := r.last
	if err := r.rest(quiet); err != nil {
		return m, fmt.Errorf("after the attack: %w", err)
	}
	m.calm, m.around = r.calm, merge(before, r.last)
	m.late = int(r.backend.attacks.Load()) - m.forwarded
	return m, nil
}

// rest watches the victim while there is no attack.
func (r *rig) rest(during time.Duration) error {
	seen, _, _, err := r.watch(func() error { time.Sleep(during); return nil })
	r.calm, r.last = merge(r.calm, seen), seen
	return err
}

// watch has the victim ask while f runs, and says what the proxy used.
func (r *rig) watch(f func() error) (seen latencies, cpu time.Duration, grown int, err error) {
	before, err := r.proxy.Usage()
	if err != nil {
		return nil, 0, 0, err
	}
	end, asked, peak := make(chan struct{}), make(chan error, 1), make(chan int, 1)
	go func() {
		var err error
		seen, err = r.victim.during(end)
		asked <- err
	}()
	go func() { peak <- r.peak(end) }()
	err = f()
	close(end)
	if victimErr := <-asked; err == nil && victimErr != nil {
		err = fmt.Errorf("the victim: %w", victimErr)
	}
	grown = <-peak - before.RSS
	after, usageErr := r.proxy.Usage()
	if err == nil {
		err = usageErr
	}
	return seen, after.CPU - before.CPU, grown, err
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
