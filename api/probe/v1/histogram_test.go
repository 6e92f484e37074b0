package probe

import (
	"math"
	"math/rand/v2"
	"testing"
)

// model is the bucket by the definition: powers of two with quarter exponents,
// in seconds, upper bounds included.
func model(ns uint64) int {
	seconds := float64(ns) / 1e9
	slot := 0
	for slot < Buckets-1 && seconds > math.Exp2(float64(slot-79)/4) {
		slot++
	}
	return slot
}

func TestBucketOf(t *testing.T) {
	tests := []struct {
		name string
		ns   uint64
		want int
	}{
		{"zero", 0, 0},
		{"one nanosecond", 1, 0},
		{"two to the minus 20 seconds", 953, 0},
		{"one millisecond", 1_000_000, 40},
		{"just under a power of two", 976_562, 39},
		{"just over a power of two", 976_564, 40},
		{"one second belongs to the bucket that it bounds", 1_000_000_000, 79},
		{"more than a second", 1_000_000_001, 80},
		{"one hour", 3_600_000_000_000, 127},
		{"three hours", 3 * 3_600_000_000_000, 127},
		{"the largest number", math.MaxUint64, 127},
	}
	for _, tt := range tests {
		if got := BucketOf(tt.ns); got != tt.want {
			t.Errorf("%s: BucketOf(%d) = %d, want %d", tt.name, tt.ns, got, tt.want)
		}
	}
}

func TestBucketOfAgreesWithTheDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const n = 1_000_000
	off := 0
	for range n {
		// Even over the octaves rather than over the numbers.
		ns := random.Uint64() >> (20 + random.UintN(44))
		got, want := BucketOf(ns), model(ns)
		if got == want {
			continue
		}
		// The bounds are irrational and the unit is a nanosecond: a value
		// right at a bound may fall on either side of it.
		bound := math.Exp2(float64(min(got, want)-79)/4) * 1e9
		if d := got - want; d > 1 || d < -1 || math.Abs(float64(ns)-bound) > 2+bound/(1<<20) {
			t.Fatalf("BucketOf(%d) = %d, want %d (bound %f)", ns, got, want, bound)
		}
		off++
	}
	if off > n/100 {
		t.Errorf("%d of %d values fell beside their bucket", off, n)
	}
}
