package load

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
	"github.com/fleetgate/fleetgate/internal/long"
)

// TestCountsAreExactWhileAnotherComesAndGoes has a second program attached to the
// same place, and detached, again and again while calls are made. What the first
// one counts must not change by that; the other counts some of them.
func TestCountsAreExactWhileAnotherComesAndGoes(t *testing.T) {
	calls := long.N(200_000, 10_000_000)
	l7 := attachToSelf(t)
	another, err := LoadL7()
	bpftest.Require(t, err)
	defer another.Close()

	const callers = 4
	r := probe.Record{Series: 1, Backend: 2, Status: 200, Duration: 1000, Upstream: 500}
	var calling sync.WaitGroup
	done := make(chan struct{})
	for range callers {
		calling.Go(func() {
			for i := range calls / callers {
				call(r)
				if i%1000 == 0 {
					// Nobody is to keep the one that attaches from running.
					runtime.Gosched()
				}
			}
		})
	}
	go func() {
		calling.Wait()
		close(done)
	}()
	loops := 0
	for running := true; running; loops++ {
		if err := another.Attach(self(t)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
			running = false
		default:
		}
		if err := another.Detach(); err != nil {
			t.Fatal(err)
		}
	}
	n := uint64(calls / callers * callers)
	if got := outcomes(t, l7)[r.Outcome()]; got != n {
		t.Errorf("outcomes: got %d, want %d", got, n)
	}
	cell := counted(t, l7.Series)[1]
	if got := cell.Class[probe.Class2xx]; got.Count() != n || got.Sum != 1000*n {
		t.Errorf("series: got %d of %d ns, want %d of %d ns", got.Count(), got.Sum, n, 1000*n)
	}
	if got := outcomes(t, another)[r.Outcome()]; got > n {
		t.Errorf("the other one counted %d of %d", got, n)
	}
	long.Report(t, "Requests while programs attach and detach", int(n), fmt.Sprintf(
		"none missed and none too many, while another program was attached and detached %d times", loops))
}
