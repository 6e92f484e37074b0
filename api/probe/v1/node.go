package probe

// What a sensor without capabilities and the agent of its node know of each
// other.
const (
	// NodeAgentAudience is that of the tokens by which sensors say whose they
	// are: they serve for nothing else.
	NodeAgentAudience = "node-agent.fleetgate.io"
	// NodeAgentName is the name that the agents' certificate is for.
	NodeAgentName = "node-agent.fleetgate.io"
)
