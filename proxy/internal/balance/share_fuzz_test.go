package balance

import (
	"math"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// discrepancy bounds by how many the golden walk may differ from a share in n
// steps: it grows by the logarithm.
func discrepancy(n int) float64 { return 3 + math.Log2(float64(n+1)) }

// FuzzSplit holds each item of a split to its weight, at any time.
func FuzzSplit(f *testing.F) {
	f.Add([]byte{90, 10}, uint8(1))
	f.Add([]byte{0, 1, 0}, uint8(200))
	f.Add([]byte{255, 1, 1, 1, 128}, uint8(30))
	f.Fuzz(func(t *testing.T, raw []byte, shift uint8) {
		if len(raw) > 64 {
			return
		}
		items, weights, total := make([]int, len(raw)), make([]int32, len(raw)), 0.0
		for i, b := range raw {
			items[i], weights[i] = i, int32(b)<<(shift%20)
			total += float64(weights[i])
		}
		s := NewSplit(items, weights)
		counts := make([]float64, len(raw))
		const n = 1000
		for step := 1; step <= n; step++ {
			i, ok := s.Pick()
			if ok != (total > 0) {
				t.Fatalf("picked %v of weights %v", ok, weights)
			}
			if !ok {
				return
			}
			counts[i]++
			if weights[i] == 0 {
				t.Fatalf("item %d of %v was picked", i, weights)
			}
		}
		for i, got := range counts {
			if want := n * float64(weights[i]) / total; math.Abs(got-want) > discrepancy(n) {
				t.Errorf("item %d of %v was picked %v times in %d", i, weights, got, n)
			}
		}
	})
}

// FuzzSlowStart holds an endpoint that warms up to its part of its turns: a
// tenth at first, never less than before, and all after the policy's time.
func FuzzSlowStart(f *testing.F) {
	f.Add(int64(1000), []byte{0, 10, 50, 100, 200})
	f.Add(int64(1), []byte{255})
	f.Add(int64(3600_000), []byte{1, 1, 1, 1, 0, 254})
	f.Fuzz(func(t *testing.T, millis int64, pauses []byte) {
		in := &proxyconfig.Policy{SlowStartMillis: millis}
		if millis <= 0 || proxyconfig.ValidatePolicy(in) != nil || len(pauses) > 64 {
			return
		}
		e := applyPolicy(t, NewRegistry(Options{}), addresses(1), in).Endpoints()[0]
		e.Failed(second)
		e.Readmit()
		width, began, now, before := e.Cluster.Policy().slowStart, 5*second, 5*second, 0.0
		for i, pause := range append([]byte{0}, pauses...) {
			now += width / 200 * int64(pause)
			part, turns := e.warmth(now), 0
			if part < leastWarm || part > 1 || part < before || now-began >= width && part != 1 {
				t.Fatalf("after %d of %d it takes %v, %v before", now-began, width, part, before)
			}
			if i == 0 && part != leastWarm {
				t.Fatalf("it begins with %v", part)
			}
			before = part
			const n = 500
			for turn := range uint64(n) {
				if e.takesTurn(now, turn) {
					turns++
				}
			}
			if math.Abs(float64(turns)-part*n) > discrepancy(n) {
				t.Errorf("with a part of %v it takes %d of %d turns", part, turns, n)
			}
		}
	})
}
