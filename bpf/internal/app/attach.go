package app

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1/point"
	"github.com/fleetgate/fleetgate/bpf/internal/cgroup"
	"github.com/fleetgate/fleetgate/bpf/internal/handshake"
	"github.com/fleetgate/fleetgate/bpf/internal/load"
	"github.com/fleetgate/fleetgate/bpf/internal/remote"
)

var (
	errNoProgram = errors.New("the request program is not loaded")
	errBytes     = errors.New("the executable has no attach point where the proxy says")
)

// attachRequests attaches to the proxy's probe function. cgroup is zero when
// the proxy's own is not known.
func (s *sensor) attachRequests(p *handshake.Peer, cgroup uint64, again bool) error {
	if s.l7 == nil {
		return errNoProgram
	}
	if again && s.l7.Attached() {
		return nil
	}
	if err := checkPoint(p.Executable, p.Hello.Point); err != nil {
		return err
	}
	if err := checkBuild(p.Executable, s.options.ProxyBuild); err != nil {
		return err
	}
	return s.l7.Attach(load.Target{
		Executable: p.Executable,
		Offset:     p.Hello.Point + s.test.Place,
		Cgroup:     cgroup,
		Netns:      s.netns,
		PID:        p.PID,
	})
}

// checkPoint makes sure that a breakpoint can do no harm there, whatever the
// proxy says.
func checkPoint(exe *os.File, offset uint64) error {
	var stat unix.Stat_t
	if err := unix.Fstat(int(exe.Fd()), &stat); err != nil {
		return fmt.Errorf("looking at the proxy's executable: %w", err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG || offset == 0 || offset > uint64(stat.Size) {
		return errBytes
	}
	code := make([]byte, len(point.Pattern))
	if _, err := exe.ReadAt(code, int64(offset)); err != nil {
		return fmt.Errorf("reading the proxy's executable: %w", err)
	}
	if string(code) != point.Pattern {
		return errBytes
	}
	return nil
}

// attachConnections attaches to the proxy's cgroup, if there is one to be
// found, and returns its identifier if no other container shares it.
func (s *sensor) attachConnections(p *handshake.Peer, again bool) uint64 {
	if s.l4 == nil && s.agent != nil {
		return s.followByAgent(p)
	}
	dir, own, err := s.directoryOf(p)
	if err != nil {
		s.options.Log.Info("Counting connections by the kernel's counters", "reason", err.Error())
		return 0
	}
	if dir != p.Cgroup {
		defer dir.Close()
	}
	id, err := cgroup.Verify(dir)
	if err == nil && s.l4 != nil && (!again || !s.l4.SocketsAttached()) {
		err = s.l4.Attach(dir)
		s.attachments++
		if s.l4.SocketsAttached() && !s.l4.Walks() {
			s.complain(s.collector.Attached(s.current()))
		}
	}
	if err != nil {
		s.options.Log.Info("Connections are not fully counted", "reason", err.Error())
	}
	if !own {
		return 0
	}
	return id
}

// followByAgent tells the node's agent of the proxy, and returns the identifier
// of its cgroup as attachConnections does.
func (s *sensor) followByAgent(p *handshake.Peer) (id uint64) {
	if p.Cgroup != nil {
		// One that is no cgroup v2 is looked for by its path, or the pod's.
		id, _ = cgroup.Verify(p.Cgroup)
	}
	s.agent.Follow(remote.Proxy{Instance: p.Hello.Instance, Cgroup: id, CgroupPath: p.Hello.CgroupPath})
	return id
}

// directoryOf returns the cgroup directory to attach to, and whether it is the
// proxy's own rather than its pod's.
func (s *sensor) directoryOf(p *handshake.Peer) (dir *os.File, own bool, err error) {
	if p.Cgroup != nil {
		if _, err = cgroup.Verify(p.Cgroup); err == nil {
			return p.Cgroup, true, nil
		}
	}
	if s.options.CgroupRoot == "" {
		if err == nil {
			err = cgroup.ErrNotFound
		}
		return nil, false, err
	}
	search := cgroup.Search{Root: s.options.CgroupRoot, PodUID: s.options.PodUID, Path: p.Hello.CgroupPath}
	dir, err = search.Find()
	return dir, false, err
}
