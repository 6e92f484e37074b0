package balance

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestCircuitOpensAtItsLimits(t *testing.T) {
	limits := &proxyconfig.CircuitLimits{MaxConnections: 2, MaxRequests: 3, MaxPending: 1}
	c := applyPolicy(t, NewRegistry(Options{}), addresses(2), &proxyconfig.Policy{Limits: limits})
	one, two := find(t, c, "10.0.0.1"), find(t, c, "10.0.0.2")
	if !one.Connect() || !two.Connect() || one.Connect() {
		t.Error("the limit of two connections does not hold")
	}
	two.Disconnected()
	if !one.Connect() {
		t.Error("a connection that was closed still counts")
	}
	if !c.Queue() || c.Queue() {
		t.Error("the limit of one pending request does not hold")
	}
	c.Dequeue()
	if !c.Queue() {
		t.Error("a request that waits no longer still counts")
	}
	for range 3 {
		e, _ := c.Choose(&Request{})
		e.Begin()
	}
	if e, refusal := c.Choose(&Request{}); e != nil || refusal != CircuitOpen {
		t.Errorf("got %v, refusal %d, want an open circuit", e, refusal)
	}
	one.End(0, 1, Abandoned)
	if e, _ := c.Choose(&Request{}); e == nil {
		t.Error("a request that ended still counts")
	}
}

func TestNegativeLimitsLiftThem(t *testing.T) {
	limits := &proxyconfig.CircuitLimits{MaxConnections: -1, MaxRequests: -1, MaxPending: -1}
	c := applyPolicy(t, NewRegistry(Options{}), addresses(1), &proxyconfig.Policy{Limits: limits})
	e := find(t, c, "10.0.0.1")
	for range defaultMaxRequests + 1 {
		e.Begin()
		if !e.Connect() || !c.Queue() {
			t.Fatal("refused without a limit")
		}
	}
	if got, _ := c.Choose(&Request{}); got != e {
		t.Error("the circuit is open without a limit")
	}
}

func TestNoEndpointsIsSaidAsSuch(t *testing.T) {
	c := apply(t, NewRegistry(Options{}), "")
	if e, refusal := c.Choose(&Request{}); e != nil || refusal != NoEndpoints {
		t.Errorf("got %v, refusal %d", e, refusal)
	}
}

func TestRetryBudget(t *testing.T) {
	budget := &proxyconfig.RetryBudget{Percent: 25, MinPerSecond: 2}
	c := applyPolicy(t, NewRegistry(Options{}), addresses(1), &proxyconfig.Policy{RetryBudget: budget})
	e := find(t, c, "10.0.0.1")
	granted := func(now int64, asked int) int {
		n := 0
		for range asked {
			if c.AllowRetry(now) {
				n++
			}
		}
		return n
	}
	if got := granted(0, 10); got != 2 {
		t.Errorf("without requests: %d retries, want the 2 of a second", got)
	}
	if got := granted(second/2, 10); got != 1 {
		t.Errorf("half a second later: %d retries, want 1", got)
	}
	if got := granted(100*second, 10); got != 2 {
		t.Errorf("after a long rest: %d retries, want the 2 of a second and no more", got)
	}
	for range 5 {
		c.RetryDone()
	}
	for range 40 {
		e.Begin()
	}
	if got := granted(100*second, 40); got != 10 {
		t.Errorf("with 40 requests in flight: %d retries, want a quarter of them", got)
	}
	c.RetryDone()
	if got := granted(100*second, 40); got != 1 {
		t.Errorf("one retry ended: %d more, want 1", got)
	}
}

// However many ask at once, what is granted stays within both parts of the
// budget.
func TestRetryBudgetHoldsAmongGoroutines(t *testing.T) {
	budget := &proxyconfig.RetryBudget{Percent: 10, MinPerSecond: 5}
	c := applyPolicy(t, NewRegistry(Options{}), addresses(1), &proxyconfig.Policy{RetryBudget: budget})
	e := find(t, c, "10.0.0.1")
	for range 200 {
		e.Begin()
	}
	var granted, open, worst atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				if !c.AllowRetry(0) {
					continue
				}
				granted.Add(1)
				now := open.Add(1)
				for w := worst.Load(); now > w && !worst.CompareAndSwap(w, now); w = worst.Load() {
				}
				if granted.Load()%3 == 0 {
					open.Add(-1)
					c.RetryDone()
				}
			}
		})
	}
	wg.Wait()
	if got := worst.Load(); got > 200*10/100+5 {
		t.Errorf("%d retries at one time, want 25 at most", got)
	}
	if got := c.load.retries.Load(); got != open.Load() {
		t.Errorf("%d retries are counted, %d are open", got, open.Load())
	}
}
