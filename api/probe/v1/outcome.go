package probe

// Outcome is a way for requests to end, packed into one word: which series,
// which backend, what status, method, protocol, flags and gRPC status. The sensor counts
// requests by outcome and sums outcomes up to what its metrics show. No
// Outcome is zero.
type Outcome uint64

// OverflowOutcome takes the requests for whose own outcome there is no room.
const OverflowOutcome Outcome = 1 << 63

const (
	backendShift = 12
	boundedMask  = MaxSeries - 1
	howMask      = 1<<54 - 1<<24
)

// Outcome returns how the request ended. Identifiers out of bounds count as
// zero. It is the same packing as outcome_of in bpf/headers/probe.h.
func (r *Record) Outcome() Outcome {
	return OverflowOutcome |
		Outcome(r.Meta()&howMask) |
		Outcome(bounded(r.Backend))<<backendShift |
		Outcome(bounded(r.Series))
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
