package node

import "github.com/fleetgate/fleetgate/api/probe/v1"

// Version is that of the protocol and of a flow's layout. An agent refuses
// another one.
const Version = 1

// Protocol is what the two negotiate by ALPN.
const Protocol = "fleetgate-node"

// Limits of what a sensor may ask for, by its pod. They are above what a
// proxy's tables have room for in practice; what exceeds them is counted under
// the overflow flow, or refused.
const (
	// MaxHello bounds the size of a Hello in bytes, most of which is the token.
	MaxHello = 16 << 10
	// MaxFlows bounds the flows that are counted apart.
	MaxFlows = 1024
	// MaxEndpoints bounds the addresses that are told from others.
	MaxEndpoints = 16384
	// EndpointsPerFrame keeps a frame of them below MaxFrame.
	EndpointsPerFrame = 400
)

// Hello is a sensor's first message.
type Hello struct {
	Version int `json:"version"`
	// Token is bound to the sensor's pod and of the audience
	// probe.NodeAgentAudience.
	Token string `json:"token"`
	// Cgroup is the identifier of the proxy's cgroup, zero if it is not known,
	// and CgroupPath its path as the proxy sees it. The agent looks for both
	// within the pod's own cgroup only.
	Cgroup     uint64 `json:"cgroup,omitempty"`
	CgroupPath string `json:"cgroupPath,omitempty"`
}

// Welcome says that connections are counted, and what is told of them.
type Welcome struct {
	// Basic says that reasons of failures and resets are not told.
	Basic bool `json:"basic,omitempty"`
	// Options and Facts say whether the time to accept is measured, and
	// whether the proxy can ask about its sockets.
	Options bool `json:"options,omitempty"`
	Facts   bool `json:"facts,omitempty"`
}

// Refusal says why nothing is counted; the agent ends the connection.
type Refusal struct {
	Reason string `json:"reason"`
}

// Endpoints is a part of the addresses of backends. The parts up to and
// including the one marked Last replace what was told before.
type Endpoints struct {
	Endpoints []probe.Endpoint `json:"endpoints,omitempty"`
	Last      bool             `json:"last,omitempty"`
}

// Forget names backends whose flows are to be dropped.
type Forget struct {
	Backends []uint32 `json:"backends"`
}

// Done ends an answer.
type Done struct {
	// Overflow is how many events found no room for a flow of their own; it is
	// told by the answer to KindRead.
	Overflow uint64 `json:"overflow,omitempty"`
	// Failure says what could not be done.
	Failure string `json:"failure,omitempty"`
}
