package probe

// Outcome is a way for requests to end, packed into one word: which series,
// which backend, what status, method, protocol, flags and gRPC status. The sensor counts
// requests by outcome and sums outcomes up to what its metrics show. No
// Outcome is zero.
type Outcome uint64

// OverflowOutcome takes the requests for whose own outcome there is no room.
const OverflowOutcome Outcome = 1 << 63

// The layout of an Outcome, from the lowest bit: series 12, backend 12, status 10,
// method 4, protocol 3, flags 8, gRPC 5. bpf/headers/probe.h takes it apart.
const (
	backendShift  = 12
	statusShift   = 24
	methodShift   = 34
	protocolShift = 38
	flagsShift    = 41
	grpcShift     = 49

	boundedMask  = MaxSeries - 1
	statusMask   = 1<<10 - 1
	methodMask   = 1<<4 - 1
	protocolMask = 1<<3 - 1
	flagsMask    = 1<<8 - 1
	grpcMask     = 1<<5 - 1
)

// Outcome returns how the request ended. Identifiers out of bounds count as zero.
func (r *Record) Outcome() Outcome {
	return OverflowOutcome |
		Outcome(bounded(r.Series)) |
		Outcome(bounded(r.Backend))<<backendShift |
		Outcome(r.Status)&statusMask<<statusShift |
		Outcome(r.Method)&methodMask<<methodShift |
		Outcome(r.Protocol)&protocolMask<<protocolShift |
		Outcome(r.Flags)&flagsMask<<flagsShift |
		Outcome(r.GRPC)&grpcMask<<grpcShift
}

// Series returns the identifier of the series.
func (o Outcome) Series() uint32 { return uint32(o & boundedMask) }

// Backend returns the identifier of the backend, zero when there was none.
func (o Outcome) Backend() uint32 { return uint32(o >> backendShift & boundedMask) }

// Status returns the status.
func (o Outcome) Status() uint16 { return uint16(o >> statusShift & statusMask) }

// Method returns the method.
func (o Outcome) Method() Method { return Method(o >> methodShift & methodMask) }

// Protocol returns the protocol.
func (o Outcome) Protocol() Protocol { return Protocol(o >> protocolShift & protocolMask) }

// Flags returns the flags.
func (o Outcome) Flags() Flags { return Flags(o >> flagsShift & flagsMask) }

// GRPC returns the status of a gRPC call, and false if there was none.
func (o Outcome) GRPC() (status uint8, ok bool) {
	both := uint8(o >> grpcShift & grpcMask)
	return both - min(both, 1), both > 0
}

// bounded maps identifiers that the tables have no room for to the overflow.
func bounded(id uint32) uint32 {
	if id >= MaxSeries {
		return 0
	}
	return id
}
