package balance

import (
	"sync"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestWindowForgets(t *testing.T) {
	var w window
	const width = 10 * second
	if got := w.sum(0, width); got != 0 {
		t.Errorf("a new one has counted %d", got)
	}
	for i := range int64(30) {
		w.add(i*second, width)
		if got, want := w.sum(i*second, width), min(i+1, 10); got != want {
			t.Errorf("after %d s it has counted %d, want %d", i, got, want)
		}
	}
	if got := w.sum(34*second, width); got != 5 {
		t.Errorf("five seconds later it has %d left", got)
	}
	if got := w.sum(500*second, width); got != 0 {
		t.Errorf("long after that it has %d left", got)
	}
}

func TestWindowCountsExactly(t *testing.T) {
	var w window
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				w.add(5*second, second)
			}
		})
	}
	wg.Wait()
	if got := w.sum(5*second, second); got != 8000 {
		t.Errorf("got %d of 8000", got)
	}
}

func intervalPolicy(percent, minimum int32, per int64) *proxyconfig.Policy {
	return &proxyconfig.Policy{RetryBudget: &proxyconfig.RetryBudget{
		Percent: percent, IntervalMillis: 10_000, MinRetries: minimum, MinIntervalMillis: per,
	}}
}

// TestRetryBudgetOfAnInterval has 80 requests within ten seconds. Of those and the
// retries together a fifth may be retries.
func TestRetryBudgetOfAnInterval(t *testing.T) {
	c := applyPolicy(t, NewRegistry(Options{}), addresses(1), intervalPolicy(20, 1, 60_000))
	e := find(t, c, "10.0.0.1")
	for i := range int64(80) {
		e.Begin()
		e.End(i*second/10, i*second/10, Answered)
	}
	retry := func(now int64) int {
		n := 0
		for range 100 {
			if !c.AllowRetry(now) {
				break
			}
			n++
			e.Begin()
			e.End(now, now, Answered)
			c.RetryDone()
		}
		return n
	}
	// 19 of 99 are retries, and one more a minute is free.
	if got := retry(8 * second); got != 20 {
		t.Errorf("after 80 requests: %d retries, want 20", got)
	}
	if got := retry(9 * second); got != 0 {
		t.Errorf("a second later: %d more", got)
	}
	if got := retry(19*second + 1); got != 0 {
		t.Errorf("within a minute, without requests: %d", got)
	}
	if got := retry(68*second + 1); got != 1 {
		t.Errorf("a minute later: %d, want the one that is free", got)
	}
}

func TestNoShareForRetries(t *testing.T) {
	c := applyPolicy(t, NewRegistry(Options{}), addresses(1), intervalPolicy(-1, 2, 1000))
	e := find(t, c, "10.0.0.1")
	for range 1000 {
		e.Begin()
	}
	for i, want := range []bool{true, true, false} {
		if got := c.AllowRetry(second); got != want {
			t.Errorf("retry %d: got %v", i, got)
		}
	}
}
