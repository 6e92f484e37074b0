package controller

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// looks plays n Gateways that come up at once, to each of which something happens ten times
// a second, and returns how often each is looked at within five seconds, and the longest
// that any event waits.
func looks(n int) (each int, longest time.Duration) {
	now := time.Unix(1e9, 0)
	s := newSurge(func() time.Time { return now })
	due := make([]time.Time, n)
	for range 50 {
		for i := range due {
			if !due[i].IsZero() && !due[i].After(now) {
				due[i], each = time.Time{}, each+1
			}
			wait := s.wait(types.NamespacedName{Namespace: fmt.Sprint(i), Name: "web"})
			longest = max(longest, wait)
			if at := now.Add(wait); due[i].IsZero() || at.Before(due[i]) {
				due[i] = at
			}
		}
		now = now.Add(100 * time.Millisecond)
	}
	return each / n, longest
}

func TestTheMoreGatewaysComeUpTheLessEachIsLookedAt(t *testing.T) {
	for _, tt := range []struct {
		gateways, least, most int
		longest               time.Duration
	}{
		{1, 49, 49, surgeEach},
		{10, 15, 25, 10 * surgeEach},
		{1000, 4, 6, surgeLongest},
	} {
		each, longest := looks(tt.gateways)
		if each < tt.least || each > tt.most || longest > tt.longest {
			t.Errorf("of %d at once, each is looked at %d times and waits for %v at most, want %d to %d and %v",
				tt.gateways, each, longest, tt.least, tt.most, tt.longest)
		}
	}
}

// Who comes up after a surge is alone again, and nothing is kept of the others.
func TestASurgeEnds(t *testing.T) {
	now := time.Unix(1e9, 0)
	s := newSurge(func() time.Time { return now })
	for i := range 1000 {
		s.wait(types.NamespacedName{Namespace: fmt.Sprint(i), Name: "web"})
	}
	alone := types.NamespacedName{Namespace: "shop", Name: "web"}
	for range 3 {
		now = now.Add(surgeTurn + time.Millisecond)
		s.wait(alone)
	}
	if wait := s.wait(alone); wait > surgeEach || s.looks.size() != 1 {
		t.Errorf("it waits for %v, and %d are known", wait, s.looks.size())
	}
}
