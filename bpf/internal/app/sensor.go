package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf/internal/collect"
	"github.com/fleetgate/fleetgate/bpf/internal/handshake"
	"github.com/fleetgate/fleetgate/bpf/internal/load"
	"github.com/fleetgate/fleetgate/bpf/internal/remote"
	"github.com/fleetgate/fleetgate/bpf/internal/selftest"
	"github.com/fleetgate/fleetgate/bpf/internal/shared"
)

// sensor is what the kernel has granted, and what of it is in use. It
// implements handshake.Handler.
type sensor struct {
	options   Options
	directory *collect.Directory
	collector *collect.Collector
	netns     uint32

	// table is always there, for a proxy that cannot be attached to.
	table *shared.Table
	// l7 and l4 are nil when the kernel refused them.
	l7   *load.L7
	test selftest.Result
	l4   *load.L4
	// agent counts in the place of l4; it is nil where l4 is not, and where the
	// node has none.
	agent *remote.Client

	// mu guards what is below, and changes of what is above.
	mu sync.RWMutex
	// instance is the proxy that the numbers are of.
	instance string
	mode     string
	// attachments counts how often connections have begun to be counted by l4.
	attachments uint64
}

// newSensor loads what the kernel allows. Only shared memory must be had.
func newSensor(o Options) (*sensor, error) {
	table, err := shared.New()
	if err != nil {
		return nil, err
	}
	s := &sensor{options: o, directory: &collect.Directory{}, table: table, mode: probe.ModeShared}
	s.collector = s.newCollector()
	if s.netns, err = networkNamespace(); err != nil {
		o.Log.Error(err, "Cannot tell calls by network namespace")
	}
	if o.Mode != ModeShared {
		if err := s.loadL7(); err != nil {
			if o.Mode == ModeUprobe {
				s.close()
				return nil, err
			}
			o.Log.Info("Counting requests in shared memory", "reason", err.Error())
		}
	}
	if s.l4, err = load.LoadL4(); err != nil {
		s.l4 = nil
		o.Log.Info("Counting connections by the kernel's counters", "reason", err.Error())
		if o.Agent != "" {
			s.agent = remote.New(remote.Options{
				Address: o.Agent, Token: o.AgentToken, Authorities: o.AgentAuthorities, Log: o.Log,
				Began: func() { s.complain(s.collector.Attached(s.state())) },
			})
		}
	}
	// Loading reads the type information of the whole kernel; nothing that
	// follows needs as much memory.
	debug.FreeOSMemory()
	return s, nil
}

func (s *sensor) loadL7() error {
	l7, err := load.LoadL7()
	if err != nil {
		return err
	}
	result, err := selftest.Run(l7)
	if err != nil {
		l7.Close()
		return err
	}
	s.options.Log.Info("Tested the probe", "mode", string(result.Mode), "cost", result.Cost.String())
	s.l7, s.test, s.mode = l7, result, string(result.Mode)
	return nil
}

func (s *sensor) close() {
	var errs []error
	if s.l7 != nil {
		errs = append(errs, s.l7.Close())
	}
	if s.l4 != nil {
		errs = append(errs, s.l4.Close())
	}
	errs = append(errs, s.table.Close())
	if err := errors.Join(errs...); err != nil {
		s.options.Log.Error(err, "Detached incompletely")
	}
}

// Joined implements handshake.Handler: it attaches to the proxy in the best
// way that works.
func (s *sensor) Joined(p *handshake.Peer) (probe.Welcome, *os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	again := p.Hello.Instance == s.instance
	if !again {
		if err := s.reset(); err != nil {
			return probe.Welcome{}, nil, err
		}
		s.instance = p.Hello.Instance
	}
	id := s.attachConnections(p, again)
	welcome := probe.Welcome{ABI: probe.ABI, Mode: probe.ModeUprobe, Amends: true}
	err := s.attachRequests(p, id, again)
	if err == nil {
		s.mode = string(s.test.Mode)
		s.log("Attached to the proxy")
		return welcome, nil, nil
	}
	if s.l7 != nil {
		s.options.Log.Info("Fell back to shared memory", "reason", err.Error())
	}
	welcome.Mode, s.mode = probe.ModeShared, probe.ModeShared
	s.log("Sharing memory with the proxy")
	return welcome, s.table.File(), nil
}

func (s *sensor) log(message string) {
	s.options.Log.Info(message, "instance", s.instance, "l7", s.mode, "l4", s.l4Mode())
}

// reset forgets the proxy before: identifiers now mean something else.
func (s *sensor) reset() error {
	return s.collector.Reset(func() error {
		errs := []error{s.table.Reset()}
		if s.l7 != nil {
			errs = append(errs, s.l7.Detach(), s.l7.Reset())
		}
		if s.l4 != nil {
			errs = append(errs, s.l4.Detach(), s.l4.Reset(), s.l4.SetEndpoints(nil))
		}
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("forgetting the proxy before: %w", err)
		}
		return nil
	})
}

// Updated implements handshake.Handler.
func (s *sensor) Updated(t *probe.Tables) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.complain(s.collector.Replace(s.current(), t, s.clear))
	s.tellEndpoints()
}

// Amended implements handshake.Handler.
func (s *sensor) Amended(a *probe.Amendment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.complain(s.collector.Amend(s.current(), a, s.clear))
	if len(a.Endpoints)+len(a.Gone.Endpoints) > 0 {
		s.tellEndpoints()
	}
}

// tellEndpoints tells those who count connections which backends addresses belong to.
func (s *sensor) tellEndpoints() {
	if s.agent == nil && s.l4 == nil {
		return
	}
	endpoints := s.directory.Endpoints()
	if s.agent != nil {
		s.agent.SetEndpoints(endpoints)
	}
	if s.l4 == nil {
		return
	}
	if err := s.l4.SetEndpoints(endpoints); err != nil {
		s.options.Log.Error(err, "Cannot tell all backends apart")
	}
}

// Left implements handshake.Handler. What is attached stays so: the proxy may
// have lost nothing but the conversation, and goes on being counted.
func (s *sensor) Left() {
	s.options.Log.V(1).Info("Lost the proxy")
}

// askAgent keeps in touch with the node's agent, if it is to count, until ctx is
// done.
func (s *sensor) askAgent(ctx context.Context) error {
	if s.agent == nil {
		return nil
	}
	return s.agent.Run(ctx)
}

// expire clears what was removed a while ago, until ctx is done.
func (s *sensor) expire(ctx context.Context) error {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.mu.Lock()
			s.complain(s.collector.Expire(s.current(), s.clear))
			s.mu.Unlock()
		case <-ctx.Done():
			return nil
		}
	}
}

// clear clears the numbers of what is gone.
func (s *sensor) clear(gone collect.Gone) error {
	series := func(id uint32) bool { return gone.Series[id] }
	backend := func(id uint32) bool { return gone.Backends[id] }
	err := s.table.Clear(series, backend)
	if s.l7 != nil {
		err = errors.Join(err, s.l7.Clear(series, backend))
	}
	if s.l4 != nil {
		err = errors.Join(err, s.l4.Clear(backend))
	}
	if s.agent != nil {
		s.agent.Forget(slices.Collect(maps.Keys(gone.Backends)))
	}
	return err
}

func (s *sensor) complain(err error) {
	if err != nil {
		s.options.Log.Error(err, "Cannot read or clear what was counted")
	}
}

// networkNamespace returns the identifier of the own one.
func networkNamespace() (uint32, error) {
	var stat unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &stat); err != nil {
		return 0, fmt.Errorf("looking at the network namespace: %w", err)
	}
	return uint32(stat.Ino), nil
}
