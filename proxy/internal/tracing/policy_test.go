package tracing

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func policy(sampling proxyconfig.Fraction, parents *proxyconfig.Fraction) *Policy {
	return NewPolicy(&proxyconfig.Tracing{Sampling: sampling, ParentSampling: parents})
}

func ids(n int) []TraceID {
	random := rand.NewPCG(1, 2)
	out := make([]TraceID, n)
	for i := range out {
		binary.BigEndian.PutUint64(out[i][:8], random.Uint64())
		binary.BigEndian.PutUint64(out[i][8:], random.Uint64())
	}
	return out
}

func TestSamplesAsOpenTelemetryDoes(t *testing.T) {
	for _, share := range []proxyconfig.Fraction{{Numerator: 0, Denominator: 1}, {Numerator: 1, Denominator: 1000}, {Numerator: 1, Denominator: 4}, {Numerator: 99, Denominator: 100}, {Numerator: 100, Denominator: 100}} {
		ratio := float64(share.Numerator) / float64(share.Denominator)
		p, model := policy(share, nil), sdktrace.TraceIDRatioBased(ratio)
		const n = 20000
		sampled := 0
		for _, id := range ids(n) {
			got := p.Samples(&Context{Trace: id}, false)
			if got {
				sampled++
			}
			if want := model.ShouldSample(sdktrace.SamplingParameters{TraceID: trace.TraceID(id)}).Decision == sdktrace.RecordAndSample; got != want {
				t.Fatalf("%v of %x: got %v, want %v", share, id, got, want)
			}
		}
		if off := float64(sampled)/n - ratio; off > 0.01 || off < -0.01 {
			t.Errorf("%v: %d of %d are sampled", share, sampled, n)
		}
	}
}

func TestDecisionsOfParents(t *testing.T) {
	all, none := proxyconfig.Fraction{Numerator: 1, Denominator: 1}, proxyconfig.Fraction{Denominator: 1}
	half := proxyconfig.Fraction{Numerator: 1, Denominator: 2}
	low, high := TraceID{1}, TraceID{8: 0xff}
	tests := []struct {
		name      string
		policy    *Policy
		context   Context
		inherited bool
		want      bool
	}{
		{"sampled is followed", policy(none, &all), Context{low, SpanID{1}, Sampled}, true, true},
		{"not sampled is followed", policy(all, &all), Context{low, SpanID{1}, 0}, true, false},
		{"a share of what is sampled", policy(all, &half), Context{high, SpanID{1}, Sampled}, true, false},
		{"and the rest of it", policy(none, &half), Context{low, SpanID{1}, Sampled}, true, true},
		{"sampled is not followed", policy(none, nil), Context{low, SpanID{1}, Sampled}, true, false},
		{"not sampled is not followed", policy(all, nil), Context{low, SpanID{1}, 0}, true, true},
		{"a new trace", policy(all, &none), Context{Trace: low}, false, true},
	}
	for _, test := range tests {
		if got := test.policy.Samples(&test.context, test.inherited); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}
