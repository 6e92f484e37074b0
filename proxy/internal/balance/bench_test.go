package balance

import (
	"fmt"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func BenchmarkChoose(b *testing.B) {
	for _, algorithm := range []proxyconfig.Algorithm{proxyconfig.RoundRobin, proxyconfig.LeastRequest, proxyconfig.PeakEWMA, proxyconfig.ConsistentHash} {
		for _, n := range []int{3, 1000} {
			b.Run(fmt.Sprint(algorithm, "/", n), func(b *testing.B) {
				p := &proxyconfig.Policy{Algorithm: algorithm}
				if algorithm == proxyconfig.ConsistentHash {
					p = hashed
				}
				c := applyPolicy(b, NewRegistry(Options{}), addresses(n), p)
				for _, e := range c.Endpoints() {
					e.latency.observe(1, second, false)
				}
				r := Request{Now: second}
				b.ReportAllocs()
				for b.Loop() {
					r.Random += golden
					r.Hash += golden
					c.Choose(&r)
				}
			})
		}
	}
}

func BenchmarkBeginEnd(b *testing.B) {
	c := applyPolicy(b, NewRegistry(Options{}), addresses(3), nil)
	e := c.Endpoints()[0]
	now := int64(1)
	b.ReportAllocs()
	for b.Loop() {
		e.Begin()
		now += 1 << tickShift
		e.End(now-second, now, Answered)
	}
}

func BenchmarkHashTable(b *testing.B) {
	c := applyPolicy(b, NewRegistry(Options{}), addresses(1000), nil)
	b.ReportAllocs()
	for b.Loop() {
		newHashTable(c.Endpoints())
	}
}
