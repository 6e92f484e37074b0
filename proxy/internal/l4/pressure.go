package l4

import (
	"errors"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

const (
	// tunnelSize is about what a tunnel costs the kernel and us, before anything
	// waits in it.
	tunnelSize = 24 << 10
	// maxSpliced bounds the directions that the kernel moves by itself: its pipe
	// costs 10 KiB, and holds up to a mebibyte of what the other side does not take.
	maxSpliced = 256
	// lull is how long an endpoint is not read from before the level is looked at
	// again.
	lull = 100 * time.Millisecond
	// pressEvery is how often tunnels that are stuck are looked for.
	pressEvery = 500 * time.Millisecond
)

// errStuck says that one side took nothing for longer than there is patience.
var errStuck = errors.New("nothing was taken for too long")

// lend returns where buffers of tunnels come from now.
func (s *Server) lend() *bufferPool {
	if s.opts.Gate.Level() >= overload.ShedRequests {
		return tinyBuffers
	}
	return smallBuffers
}

// grow says that the tunnels keep n bytes more than before.
func (s *Server) grow(n int) {
	if s.unseen.Add(-int64(n)) <= 0 {
		s.unseen.Store(int64(s.opts.Gate.Glance()))
	}
}

// takeSplice counts a direction in that the kernel is to move by itself, unless
// memory is short or there are too many; giveSplice counts it out.
func (s *Server) takeSplice() bool {
	if s.opts.Gate.Level() >= overload.ShedRequests {
		return false
	}
	if s.spliced.Add(1) > maxSpliced {
		s.spliced.Add(-1)
		return false
	}
	return true
}

func (s *Server) giveSplice() { s.spliced.Add(-1) }

// enlist has a tunnel looked after while it lasts.
func (s *Server) enlist(t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tunnels[t] = struct{}{}
	if !s.pressing {
		s.pressing = true
		go s.press()
	}
}

func (s *Server) dismiss(t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tunnels, t)
}

// press ends, as long as there are tunnels, those that keep what nobody takes
// while memory is short.
func (s *Server) press() {
	tick := time.NewTicker(pressEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return
		}
		stuck, more := s.stuck()
		for _, t := range stuck {
			t.end(errStuck, 0)
		}
		if !more {
			return
		}
	}
}

// stuck returns the tunnels that are to be ended, and whether there are tunnels
// at all.
func (s *Server) stuck() (stuck []*tunnel, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pressing = len(s.tunnels) > 0
	if level := s.opts.Gate.Level(); level > overload.Normal {
		patience := level.Patience()
		for t := range s.tunnels {
			if t.up.stuck(patience) || t.down.stuck(patience) {
				stuck = append(stuck, t)
			}
		}
	}
	return stuck, s.pressing
}

// rest waits while memory is so short that nothing is read of endpoints.
func (p *pump) rest() {
	s := p.tunnel.server
	for p.isDown() && s.opts.Gate.Level() >= overload.RefuseConnections && s.ctx.Err() == nil && !p.tunnel.over.Load() {
		time.Sleep(lull)
	}
}

// isDown reports whether the pump is that from the endpoint to the client.
func (p *pump) isDown() bool { return p == &p.tunnel.down }

// stuck reports whether the receiving side has taken nothing for a time.
func (p *pump) stuck(patience time.Duration) bool {
	since := p.writing.Load()
	return since != 0 && p.tunnel.server.opts.Now()-since > int64(patience)
}
