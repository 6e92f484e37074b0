package snapshot

import (
	"slices"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestRetryOnStatus(t *testing.T) {
	r := compileRetry(&proxyconfig.Retry{Attempts: 1, Codes: []int{400, 463, 464, 503, 599}})
	want := map[int]bool{400: true, 463: true, 464: true, 503: true, 599: true}
	for status := range 1000 {
		if got := r.OnStatus(status); got != want[status] {
			t.Errorf("%d: got %v", status, got)
		}
	}
	if compileRetry(nil) != nil || compileRetry(&proxyconfig.Retry{Codes: []int{500}}) != nil {
		t.Error("a rule that retries nothing has a retry policy")
	}
}

func TestBackoffDoublesUpToItsBound(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		base    int64
		n       int
		longest time.Duration
	}{
		{0, 1, 25 * ms}, {0, 2, 50 * ms}, {100, 1, 100 * ms}, {100, 3, 400 * ms}, {100, 100, 2000 * ms}, {5000, 1, 5000 * ms}, {5000, 9, 5000 * ms}, {1, 1, 1 * ms},
	}
	for _, test := range tests {
		r := compileRetry(&proxyconfig.Retry{Attempts: 1, BackoffMillis: test.base})
		if got := r.Backoff(test.n, 0); got != test.longest {
			t.Errorf("base %d, retry %d: got %v, want %v", test.base, test.n, got, test.longest)
		}
		for random := range uint64(1000) {
			if got := r.Backoff(test.n, random*0x9e3779b97f4a7c15); got < test.longest/2 || got > test.longest {
				t.Fatalf("base %d, retry %d: got %v, want half of %v to all of it", test.base, test.n, got, test.longest)
			}
		}
	}
}

// policied is a rule with a retry policy, CORS and two mirrors, whose backend has
// a policy.
func policied(policy *proxyconfig.Policy) *proxyconfig.Config {
	r := rules("a")
	r[0].Retry = &proxyconfig.Retry{Attempts: 2, Codes: []int{503}, Reset: true}
	r[0].Filters = []proxyconfig.Filter{
		{Type: proxyconfig.FilterCORS, CORS: &proxyconfig.CORS{AllowOrigins: []string{"*"}}},
		{Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: "gone"}},
		{Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: "m"}},
	}
	c := &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{httpListener("l", 80, "")},
		Routes:    []proxyconfig.Route{route("a", 1, r, on("l"))},
		Backends:  backends("a", "m"),
	}
	c.Backends[0].Policy = policy
	return c
}

func TestRulesHoldRetryCORSAndMirrors(t *testing.T) {
	w := newWorld(t)
	if refused := w.apply(policied(nil)); len(refused) != 0 {
		t.Fatalf("refused %v", refused)
	}
	rule := w.firstRule()
	if rule.Retry == nil || rule.Retry.Attempts != 2 || !rule.Retry.Reset || !rule.Retry.OnStatus(503) {
		t.Errorf("got retry %+v", rule.Retry)
	}
	if rule.CORS == nil {
		t.Error("the rule has no CORS")
	}
	if len(rule.Mirrors) != 1 || rule.Mirrors[0].To.Cluster.ID != "m" || !rule.Mirrors[0].Fires() {
		t.Errorf("got mirrors %+v, want the one whose backend is there", rule.Mirrors)
	}
}

func TestMirrorsFollowTheirCluster(t *testing.T) {
	w := newWorld(t)
	c := policied(nil)
	w.apply(c)
	more := *c
	more.Backends = append(slices.Clone(c.Backends), backends("gone")...)
	w.apply(&more)
	if got := len(w.firstRule().Mirrors); got != 2 {
		t.Errorf("%d mirrors after the second backend came, want 2", got)
	}
}

func TestPoliciesChangeWithoutTheirRules(t *testing.T) {
	w := newWorld(t)
	w.apply(policied(nil))
	before := w.firstRule()
	cluster := w.serving.Cluster("a")
	policy := cluster.Policy()
	e := cluster.Pick(0)
	w.apply(policied(&proxyconfig.Policy{Algorithm: proxyconfig.PeakEWMA}))
	after := w.firstRule()
	if after.Retry != before.Retry || after.CORS != before.CORS || after.Backends != before.Backends {
		t.Error("the rule was compiled again for a policy of its backend")
	}
	if w.serving.Cluster("a") != cluster || cluster.Pick(0) != e {
		t.Error("another policy makes another endpoint")
	}
	if cluster.Policy() == policy {
		t.Error("the policy did not change")
	}
	refused := w.apply(policied(&proxyconfig.Policy{Algorithm: "Dice"}))
	if len(refused) != 1 || refused[0].Name != "a" {
		t.Errorf("refused %v, want the backend alone", refused)
	}
	if got, want := w.get(80, "x", "/0"), "l a#0 500"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
