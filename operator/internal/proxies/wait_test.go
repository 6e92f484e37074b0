package proxies

import (
	"testing"
	"time"
)

// A thousand proxies without news answer no more often, all in all, than some hundreds.
func TestManyProxiesWaitForLonger(t *testing.T) {
	tracker := New(Options{})
	t.Cleanup(tracker.Stop)
	for n, want := range map[int64]time.Duration{
		0: 30 * time.Second, 300: 30 * time.Second, 600: time.Minute, 1000: 100 * time.Second, 10_000: 2 * time.Minute,
	} {
		tracker.asking.Store(n)
		if got := tracker.wait(); got != want {
			t.Errorf("%d proxies wait for %v, want %v", n, got, want)
		}
	}
}
