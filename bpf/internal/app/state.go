package app

import (
	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf/internal/collect"
)

// The ways to count connections.
const (
	l4Proc         = "proc"
	l4Sockops      = "sockops"
	l4SockopsBasic = "sockops-basic"
	l4Node         = "node"
	l4NodeBasic    = "node-basic"
)

// state tells the collector how things are.
func (s *sensor) state() collect.State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current()
}

// current is state for those who hold mu.
func (s *sensor) current() collect.State {
	state := collect.State{L7Mode: s.mode, Hooks: []collect.Hook{
		{Name: "request_done", Attached: s.l7 != nil && s.l7.Attached()},
	}}
	switch {
	case s.instance == "":
	case s.mode == probe.ModeShared:
		state.Requests = s.table
	default:
		state.Requests = s.l7
	}
	s.stateOfConnections(&state)
	return state
}

// stateOfConnections adds who counts connections. The agent may come and go
// meanwhile: it is asked once.
func (s *sensor) stateOfConnections(state *collect.State) {
	var sockets, options, facts, walks bool
	state.L4Mode = l4Proc
	switch {
	case s.l4 != nil:
		sockets, options, facts, walks = s.l4.SocketsAttached(), s.l4.OptionsAttached(), s.l4.FactsAttached(), s.l4.Walks()
		if sockets {
			state.Connections, state.L4Mode = s.l4, l4Sockops
		}
		if sockets && s.l4.Basic() {
			state.L4Mode = l4SockopsBasic
		}
		if !walks {
			state.Unsettled = s.attachments
		}
	case s.agent != nil:
		welcome, session := s.agent.Attached()
		if session == 0 {
			break
		}
		state.Unsettled = session
		sockets, options, facts = true, welcome.Options, welcome.Facts
		state.Connections, state.L4Mode = s.agent, l4Node
		if welcome.Basic {
			state.L4Mode = l4NodeBasic
		}
	}
	state.Hooks = append(state.Hooks,
		collect.Hook{Name: "sockops", Attached: sockets},
		collect.Hook{Name: "setsockopt", Attached: options},
		collect.Hook{Name: "getsockopt", Attached: facts},
		collect.Hook{Name: "iter_tcp", Attached: walks},
	)
}

// l4Mode is how connections are counted.
func (s *sensor) l4Mode() string {
	var state collect.State
	s.stateOfConnections(&state)
	return state.L4Mode
}
