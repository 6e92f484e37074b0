package load

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/probe/v1/point"
)

// records are of requests to as many series, each with a backend of its own. Their
// durations are such that no two in a row fall into one bucket, as is the rule.
func records(series uint32) []probe.Record {
	random := rand.New(rand.NewPCG(1, uint64(series)))
	all := make([]probe.Record, 4096)
	for i := range all {
		id := 1 + random.Uint32N(series)
		took := 100_000 + random.Uint64N(10_000_000)
		all[i] = probe.Record{Series: id, Status: 200, Method: probe.MethodGet, Duration: took, Upstream: took * 9 / 10, ResponseBytes: 1024, Backend: id}
	}
	return all
}

// BenchmarkRecord is what a request costs that is counted by the probe, alone in a call or
// one of four, when all that it needs is in the caches.
func BenchmarkRecord(b *testing.B) {
	attachToSelf(b)
	b.Run("refused", func(b *testing.B) {
		for b.Loop() {
			point.RequestsDone(&[12]uint64{})
		}
	})
	for _, series := range []uint32{1, 64, 1024} {
		for _, n := range []int{1, 4} {
			b.Run(fmt.Sprintf("series=%d/at once=%d", series, n), func(b *testing.B) {
				all := records(series)
				for i := 0; b.Loop(); i++ {
					if i%n == 0 {
						call(all[i%len(all):][:n]...)
					}
				}
			})
		}
	}
}
