package probe

// ABI is the version of the record's layout. The sensor refuses another one.
const ABI = 1

// MaxSeries bounds the identifiers of series and backends. Identifier zero is
// the overflow series, which takes what has none of its own.
const MaxSeries = 4096

// Protocol is what the client spoke.
type Protocol uint8

// The protocols that a record tells apart.
const (
	HTTP1 Protocol = iota
	HTTP2
	HTTP3
	GRPC
	WebSocket
	TCP
	UDP
	TLS // a handshake, which is no request
)

// Method is a request method; those that are not listed are MethodOther, so
// that a client cannot make series.
type Method uint8

// The methods that a record tells apart.
const (
	MethodOther Method = iota
	MethodGet
	MethodHead
	MethodPost
	MethodPut
	MethodPatch
	MethodDelete
	MethodOptions
	MethodConnect
	MethodTrace
)

// Flags say how a request ended.
type Flags uint8

// The flags of a record.
const (
	FlagRetried Flags = 1 << iota
	FlagTimeout
	FlagClientCancel
	FlagNoRoute
	FlagUpstreamReset
	FlagUpstreamFailed
)

// Record is one finished request. Durations are in nanoseconds, sizes are of
// bodies in bytes.
type Record struct {
	Series   uint32
	Backend  uint32
	Status   uint16
	Method   Method
	Protocol Protocol
	Flags    Flags
	// GRPC is the status of a gRPC call and one, or zero if there was none.
	GRPC uint8
	// Attempts counts the requests made to backends, at most 255.
	Attempts      uint8
	Duration      uint64
	Upstream      uint64
	RequestBytes  uint64
	ResponseBytes uint64
}

// The layout of the first register, from the lowest bit: series 24, status 10,
// method 4, protocol 3, flags 8, gRPC 5, reserved 6, ABI 4.
const (
	statusShift   = 24
	methodShift   = 34
	protocolShift = 38
	flagsShift    = 41
	grpcShift     = 49
	abiShift      = 60

	seriesMask   = 1<<24 - 1
	statusMask   = 1<<10 - 1
	methodMask   = 1<<4 - 1
	protocolMask = 1<<3 - 1
	flagsMask    = 1<<8 - 1
	grpcMask     = 1<<5 - 1
)

// Meta packs the record's identity into the first register.
func (r *Record) Meta() uint64 {
	return uint64(r.Series)&seriesMask |
		uint64(r.Status)&statusMask<<statusShift |
		uint64(r.Method)&methodMask<<methodShift |
		uint64(r.Protocol)&protocolMask<<protocolShift |
		uint64(r.Flags)&flagsMask<<flagsShift |
		uint64(r.GRPC)&grpcMask<<grpcShift |
		uint64(ABI)<<abiShift
}

// Extra packs the backend (24 bits) and the number of attempts (8 bits) into
// the last register.
func (r *Record) Extra() uint64 {
	return uint64(r.Backend)&seriesMask | uint64(r.Attempts)<<24
}
