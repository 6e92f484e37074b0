package traffic

import (
	"net/netip"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// Done is one finished request, as the engine reports it to its observers. Its
// slices are valid only during the call.
//
// A connection or UDP session below HTTP is reported like a request, with its
// Protocol and no Status. Its bytes are those that went each way, its Host is
// the server name that a TLS client asked for, and its Attempts are endpoints.
type Done struct {
	// Rule is nil when no route matched.
	Rule *snapshot.Rule
	// Listener port that the connection was accepted on.
	Port     uint16
	Endpoint *balance.Endpoint
	// Start is the wall clock time of the request's first byte.
	Start    time.Time
	Duration time.Duration
	// Upstream is the time from the first byte sent to a backend to the last
	// byte received from it; zero when there was no backend.
	Upstream time.Duration
	Status   int
	Method   probe.Method
	Protocol probe.Protocol
	Flags    probe.Flags
	// GRPC is the status of a gRPC call and one, or zero if there was none.
	GRPC          uint8
	Attempts      uint8
	RequestBytes  uint64
	ResponseBytes uint64
	Client        netip.AddrPort

	// Slow says that the request took so long that the log is to say what the
	// kernel knows of the connections that it came and went by.
	Slow                        bool
	ClientSocket, BackendSocket Socket

	// For the access log.
	RawMethod, Host, Target, UserAgent, RequestID []byte
	// TraceID is zero for a request that is not traced.
	TraceID [16]byte
}

// Socket is what the kernel says of a connection.
type Socket struct {
	// Known is false if nothing was learned.
	Known bool
	// RTT is the smoothed round-trip time, Retransmitted the segments that were
	// sent again since the connection was made.
	RTT           time.Duration
	Retransmitted uint32
	// Wait is the time for which a client's connection waited to be accepted, or
	// that one to a backend took to be made. Waited: a sensor has told it.
	Wait   time.Duration
	Waited bool
}

// Observer is told of every finished request. Each engine loop has an Observer
// of its own, so calls to one Observer never overlap. It must neither block
// nor allocate.
type Observer interface {
	RequestDone(*Done)
}

// TurnObserver is an Observer that may keep what it was told until the engine's turn
// ends. A turn is what a loop does between two waits: it takes no longer than one
// batch of events.
type TurnObserver interface {
	TurnDone()
}

// TellTurn tells an Observer that a turn has ended, if that wants to know.
func TellTurn(o Observer) {
	if of, ok := o.(TurnObserver); ok {
		of.TurnDone()
	}
}
