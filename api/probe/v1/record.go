package probe

// ABI is the version of a Call's layout. The sensor refuses another one.
const ABI = 2

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
	GRPC          uint8
	Duration      uint64
	Upstream      uint64
	RequestBytes  uint64
	ResponseBytes uint64
}
