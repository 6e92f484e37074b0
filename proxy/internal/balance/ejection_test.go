package balance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// story runs lines such as "at 1.5s: 1 fails" on three endpoints and tells, in
// the order of its lines, what four requests would choose after each.
func story(t *testing.T, c *Cluster, script string) {
	t.Helper()
	verbs := map[string]func(e *Endpoint, now int64){
		"fails":      func(e *Endpoint, now int64) { e.Failed(now) },
		"connects":   func(e *Endpoint, _ int64) { e.Succeeded() },
		"probed":     func(e *Endpoint, _ int64) { e.Readmit() },
		"answers":    func(e *Endpoint, now int64) { e.Begin(); e.End(now, now, Answered) },
		"errs":       func(e *Endpoint, now int64) { e.Begin(); e.End(now, now, ServerError) },
		"breaks":     func(e *Endpoint, now int64) { e.Begin(); e.End(now, now, Broken) },
		"abandoned":  func(e *Endpoint, now int64) { e.Begin(); e.End(now, now, Abandoned) },
		"unhealthy":  func(e *Endpoint, _ int64) { e.SetHealthy(false) },
		"healthy":    func(e *Endpoint, _ int64) { e.SetHealthy(true) },
		"is unasked": func(*Endpoint, int64) {},
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		var at float64
		var digit int
		what, want, ok := strings.Cut(line, " -> ")
		if _, err := fmt.Sscanf(what, "at %fs: %d", &at, &digit); err != nil || !ok {
			t.Fatalf("line %q: %v", line, err)
		}
		_, verb, _ := strings.Cut(what, fmt.Sprintf(": %d ", digit))
		now := int64(at * float64(second))
		verbs[verb](find(t, c, fmt.Sprintf("10.0.0.%d", digit)), now)
		got := picks(c, now, 6)
		var set strings.Builder
		for _, d := range "123" {
			if strings.ContainsRune(got, d) {
				set.WriteRune(d)
			}
		}
		if set.String() != want {
			t.Errorf("%s: got %s (%s), want %s", line, set.String(), got, want)
		}
	}
}

func TestStoryOfConnections(t *testing.T) {
	c := apply(t, NewRegistry(Options{}), addresses(3))
	story(t, c, `
		at 1s: 1 is unasked -> 123
		at 1s: 1 fails -> 23
		at 1s: 1 answers -> 23
		at 1.9s: 1 fails -> 23
		at 2s: 1 is unasked -> 123
		at 2s: 1 is unasked -> 23
		at 2s: 1 connects -> 123
		at 3s: 1 fails -> 23
		at 4s: 1 is unasked -> 123
		at 4s: 1 fails -> 23
		at 5.9s: 1 is unasked -> 23
		at 6s: 1 is unasked -> 123
		at 6s: 1 errs -> 123
		at 7s: 1 fails -> 23
		at 7.5s: 1 probed -> 123
	`)
}

func TestStoryOfAnswers(t *testing.T) {
	p := &proxyconfig.Policy{Ejection: &proxyconfig.Ejection{ConsecutiveErrors: 3, BaseMillis: 2000, MaxMillis: 6000}}
	c := applyPolicy(t, NewRegistry(Options{}), addresses(3), p)
	story(t, c, `
		at 1s: 1 errs -> 123
		at 1s: 1 breaks -> 123
		at 1s: 1 answers -> 123
		at 1s: 1 errs -> 123
		at 1s: 1 errs -> 123
		at 1s: 1 abandoned -> 123
		at 1s: 1 breaks -> 23
		at 2s: 1 connects -> 23
		at 3s: 1 is unasked -> 123
		at 3s: 1 errs -> 23
		at 6.9s: 1 is unasked -> 23
		at 7s: 1 is unasked -> 123
		at 7s: 1 answers -> 123
		at 8s: 1 errs -> 123
	`)
}

func TestStoryOfChecks(t *testing.T) {
	c := apply(t, NewRegistry(Options{}), addresses(3))
	story(t, c, `
		at 1s: 1 unhealthy -> 23
		at 1s: 2 fails -> 3
		at 1s: 1 connects -> 3
		at 2s: 1 healthy -> 123
		at 3s: 1 unhealthy -> 23
		at 3s: 2 unhealthy -> 3
		at 3s: 3 unhealthy -> 123
	`)
}

func TestAnswersDoNotEjectByDefault(t *testing.T) {
	c := apply(t, NewRegistry(Options{}), addresses(3))
	e := find(t, c, "10.0.0.1")
	for range 1000 {
		e.Begin()
		e.End(1, 2, ServerError)
	}
	if !e.well() {
		t.Error("ejected for its answers")
	}
}

func TestEjectionIsBounded(t *testing.T) {
	tests := []struct {
		name     string
		ejection proxyconfig.Ejection
		want     int
	}{
		{"all by default", proxyconfig.Ejection{}, 10},
		{"a share", proxyconfig.Ejection{MaxPercent: 35}, 3},
		{"one at least", proxyconfig.Ejection{MaxPercent: 1}, 1},
		{"none", proxyconfig.Ejection{Disabled: true}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := applyPolicy(t, NewRegistry(Options{}), addresses(10), &proxyconfig.Policy{Ejection: &test.ejection})
			for _, e := range c.Endpoints() {
				e.Failed(1)
			}
			if got := c.Counts(2).Ejected; got != test.want {
				t.Errorf("%d ejected, want %d", got, test.want)
			}
		})
	}
}

func TestProberComesBeforeTrials(t *testing.T) {
	r := NewRegistry(Options{})
	c := apply(t, r, addresses(2))
	changed, stop := r.StartProbing()
	<-changed
	bad := find(t, c, "10.0.0.1")
	bad.Failed(1)
	select {
	case <-changed:
	default:
		t.Error("the prober was not told of an ejection")
	}
	if n := strings.Count(picks(c, 3*second, 6), "1"); n != 0 {
		t.Errorf("%d requests tried what the prober will", n)
	}
	if n := strings.Count(picks(c, 2*second+int64(probeGrace), 6), "1"); n != 1 {
		t.Errorf("%d requests tried what the prober did not, want 1", n)
	}
	stop()
	if n := strings.Count(picks(c, 4*second+int64(probeGrace), 6), "1"); n != 1 {
		t.Errorf("%d requests tried what nobody probes, want 1", n)
	}
}

func TestPolicyChangesKeepWhatIsKnown(t *testing.T) {
	r := NewRegistry(Options{})
	c := apply(t, r, addresses(3))
	one := find(t, c, "10.0.0.1")
	one.Failed(1)
	one.Begin()
	policies := []*proxyconfig.Policy{hashed, {Algorithm: proxyconfig.PeakEWMA}, nil}
	for _, p := range policies {
		if applyPolicy(t, r, addresses(3), p) != c || find(t, c, "10.0.0.1") != one {
			t.Fatal("another policy makes another endpoint")
		}
		if one.EjectedUntil() == 0 || one.InFlight() != 1 || c.load.requests.Load() != 1 {
			t.Errorf("with %+v it is not ejected or not in flight", p)
		}
	}
	applyPolicy(t, r, addresses(3), &proxyconfig.Policy{Ejection: &proxyconfig.Ejection{Disabled: true}})
	if one.EjectedUntil() != 0 {
		t.Error("it is ejected under a policy that ejects nothing")
	}
}
