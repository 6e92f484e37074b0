package probe

import (
	"math/rand/v2"
	"testing"
)

func TestOutcomeKeepsWhatTheRecordSays(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		r := Record{
			Series:   random.Uint32N(MaxSeries),
			Backend:  random.Uint32N(MaxSeries),
			Status:   uint16(random.UintN(1024)),
			Method:   Method(random.UintN(16)),
			Protocol: Protocol(random.UintN(8)),
			Flags:    Flags(random.UintN(256)),
		}
		o := r.Outcome()
		got := Record{
			Series: o.Series(), Backend: o.Backend(), Status: o.Status(),
			Method: o.Method(), Protocol: o.Protocol(), Flags: o.Flags(),
		}
		if got != r {
			t.Fatalf("outcome %#x: got %+v, want %+v", uint64(o), got, r)
		}
	}
}

func TestIdentifiersOutOfBoundsOverflow(t *testing.T) {
	r := Record{Series: MaxSeries, Backend: 1<<24 - 1, Status: 200}
	if o := r.Outcome(); o.Series() != 0 || o.Backend() != 0 || o.Status() != 200 {
		t.Errorf("got series %d, backend %d, status %d; want 0, 0, 200", o.Series(), o.Backend(), o.Status())
	}
}

func TestOutcomePlacesEachFieldInItsBits(t *testing.T) {
	tests := []struct {
		name   string
		record Record
		want   Outcome
	}{
		{"nothing", Record{}, 0},
		{"series", Record{Series: 0xabc}, 0xabc},
		{"backend", Record{Backend: 0xabc}, 0xabc << 12},
		{"status", Record{Status: 599}, 599 << 24},
		{"method", Record{Method: MethodTrace}, 9 << 34},
		{"protocol", Record{Protocol: UDP}, 6 << 38},
		{"flags", Record{Flags: FlagUpstreamFailed}, 32 << 41},
		{"gRPC", Record{GRPC: 17}, 17 << 49},
	}
	for _, tt := range tests {
		if got := tt.record.Outcome(); got != OverflowOutcome|tt.want {
			t.Errorf("%s: got %#x, want %#x", tt.name, got, OverflowOutcome|tt.want)
		}
	}
}
