package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// However soon the API server ends a watch: the informer hears of it when it has lasted a
// second, and of what happened at once.
func TestNoWatchEndsWithinASecond(t *testing.T) {
	for _, length := range []time.Duration{0, time.Millisecond, time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			inner, began := watch.NewFake(), time.Now()
			w := newLastingWatch(inner)
			time.AfterFunc(length, func() {
				inner.Add(&gatewayv1.Gateway{})
				inner.Stop()
			})
			if event := <-w.ResultChan(); event.Type != watch.Added || time.Since(began) != length {
				t.Errorf("%v is told after %v, want %v", event.Type, time.Since(began), length)
			}
			if _, more := <-w.ResultChan(); more {
				t.Error("something else is told")
			}
			if got, want := time.Since(began), max(length, leastWatch); got != want {
				t.Errorf("a watch of %v ends after %v, want %v", length, got, want)
			}
		})
	}
}

// Who has heard enough need not wait, and nothing is left behind.
func TestAWatchThatIsStoppedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, began := watch.NewFake(), time.Now()
		w := newLastingWatch(inner)
		go inner.Add(&gatewayv1.Gateway{}) // which nobody takes
		synctest.Wait()
		w.Stop()
		w.Stop()
		for range w.ResultChan() {
		}
		if !inner.IsStopped() || time.Since(began) != 0 {
			t.Errorf("stopped: %t, after %v", inner.IsStopped(), time.Since(began))
		}
	})
}
