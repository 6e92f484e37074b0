package balance

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestDefaultsOfAPolicy(t *testing.T) {
	p := compilePolicy(nil)
	if p.ejection(1) != second || p.ejection(3) != 4*second || p.ejection(6) != 30*second || p.ejection(1<<31) != 30*second {
		t.Errorf("ejections of %v, %v, %v", time.Duration(p.ejection(1)), time.Duration(p.ejection(3)), time.Duration(p.ejection(6)))
	}
	if p.maxConnections != 16384 || p.maxRequests != 65536 || p.maxPending != 4096 || p.retryPercent != 20 || p.retryInterval != second/10 {
		t.Errorf("got %+v", p)
	}
	c := compileCheck(&proxyconfig.HealthCheck{Type: proxyconfig.CheckHTTP})
	if c.Interval != 10*time.Second || c.Timeout != 2*time.Second || c.Rise != 2 || c.Decline != 3 || c.Path != "/" || c.Statuses[0].First != 200 {
		t.Errorf("got check %+v", c)
	}
}

// Whatever a policy says that passed validation, endpoints are chosen, ejections
// end and budgets are bounds.
func FuzzPolicy(f *testing.F) {
	for _, p := range []*proxyconfig.Policy{
		nil, hashed, {Algorithm: proxyconfig.PeakEWMA, SlowStartMillis: 1},
		{Ejection: &proxyconfig.Ejection{BaseMillis: 86400000, ConsecutiveErrors: 1, MaxPercent: 1}},
		{Limits: &proxyconfig.CircuitLimits{MaxRequests: 1, MaxConnections: -1}, RetryBudget: &proxyconfig.RetryBudget{MinPerSecond: 1 << 30}},
	} {
		data, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, random uint64) {
		var in proxyconfig.Policy
		if json.Unmarshal(data, &in) != nil || proxyconfig.ValidatePolicy(&in) != nil {
			return
		}
		c := applyPolicy(t, NewRegistry(Options{}), addresses(3), &in)
		for n := range uint32(40) {
			if d := c.Policy().ejection(n + 1); d <= 0 || d > 25*3600*second {
				t.Fatalf("ejection %d takes %v", n+1, time.Duration(d))
			}
		}
		now := int64(1)
		for range 20 {
			e, refusal := c.Choose(&Request{Now: now, Random: random, Hash: random})
			if (e == nil) != (refusal == CircuitOpen) {
				t.Fatalf("got %v, refusal %d", e, refusal)
			}
			if e != nil {
				e.Begin()
				e.Failed(now)
				e.End(now, now, Outcome(random%4))
			}
			c.AllowRetry(now)
			random, now = mix(random), now+second
		}
	})
}
