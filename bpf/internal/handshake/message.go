package handshake

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// ErrMalformed says that a message is not as the protocol has it.
var ErrMalformed = errors.New("malformed message")

// maxEndpoints bounds the addresses that a proxy can tell.
const maxEndpoints = 65536

// Peer is a proxy that has greeted.
type Peer struct {
	Hello probe.Hello
	// Executable is the proxy's.
	Executable *os.File
	// Cgroup is the proxy's directory, nil when it sees none.
	Cgroup *os.File
	// PID is the proxy's process as the sensor sees it, or zero.
	PID uint32
}

// close may be called more than once.
func (p *Peer) close() {
	p.Executable.Close()
	if p.Cgroup != nil {
		p.Cgroup.Close()
	}
}

// receiveHello reads the first message and checks that exactly the announced
// descriptors came with it. Whatever else came is closed.
func receiveHello(conn *net.UnixConn) (*Peer, error) {
	packet := make([]byte, probe.MaxMessage)
	control := make([]byte, unix.CmsgSpace(4*probe.MaxDescriptors))
	n, controls, flags, _, err := conn.ReadMsgUnix(packet, control)
	if err != nil {
		return nil, fmt.Errorf("reading the greeting: %w", err)
	}
	files, err := descriptors(control[:controls])
	if err == nil && flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) != 0 {
		err = fmt.Errorf("%w: too long, or too many descriptors", ErrMalformed)
	}
	peer := &Peer{}
	if err == nil {
		err = probe.Decode(packet[:n], &peer.Hello)
	}
	if err == nil {
		err = peer.take(files)
	}
	if err != nil {
		for _, f := range files {
			f.Close()
		}
		return nil, err
	}
	return peer, nil
}

func (p *Peer) take(files []*os.File) error {
	want := 1
	if p.Hello.HasCgroup {
		want++
	}
	if len(files) != want {
		return fmt.Errorf("%w: %d descriptors instead of %d", ErrMalformed, len(files), want)
	}
	if p.Hello.ABI != probe.ABI {
		return fmt.Errorf("%w: the proxy's records are of version %d, the sensor's of %d", ErrMalformed, p.Hello.ABI, probe.ABI)
	}
	p.Executable = files[0]
	if p.Hello.HasCgroup {
		p.Cgroup = files[1]
	}
	return nil
}

// descriptors returns the files of a control message, all of them whatever the
// error.
func descriptors(control []byte) ([]*os.File, error) {
	if len(control) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var files []*os.File
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return files, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files, nil
}

// receiveUpdate reads one update, into the buffer first. Descriptors have no place in
// it: without room for control messages the kernel drops them.
func receiveUpdate(conn *net.UnixConn, packet []byte, u *probe.Update) error {
	n, _, flags, _, err := conn.ReadMsgUnix(packet, nil)
	if err != nil {
		return fmt.Errorf("reading an update: %w", err)
	}
	if flags&unix.MSG_TRUNC != 0 {
		return fmt.Errorf("%w: too long", ErrMalformed)
	}
	return probe.Decode(packet[:n], u)
}

// telling is what the updates have of tables or of an amendment.
type telling struct {
	probe.Amendment
	amends bool
	// begun says that there was a part of it, and whole that tables were told before.
	begun, whole bool
}

// add puts an update to those before it, within the tables' bounds.
func (t *telling) add(u *probe.Update) error {
	if t.begun && t.amends != u.Amends || u.Amends && !t.whole {
		return fmt.Errorf("%w: an amendment of nothing", ErrMalformed)
	}
	t.begun, t.amends = true, u.Amends
	t.Add(u)
	if len(t.Series) > probe.MaxSeries || max(len(t.Backends), len(t.Gone.Backends)) > probe.MaxSeries ||
		max(len(t.Endpoints), len(t.Gone.Endpoints)) > maxEndpoints || len(t.Ports) > 1<<16 {
		return fmt.Errorf("%w: tables exceed their bounds", ErrMalformed)
	}
	if !bounded(u) {
		return fmt.Errorf("%w: an identifier without a place in the tables", ErrMalformed)
	}
	return nil
}

// bounded says whether all identifiers of an update are below the bound that arrays are
// made for.
func bounded(u *probe.Update) bool {
	beyond := func(id uint32) bool { return id >= probe.MaxSeries }
	return !slices.ContainsFunc(u.Series, func(s probe.Series) bool { return beyond(s.ID) }) &&
		!slices.ContainsFunc(u.Backends, func(b probe.Backend) bool { return beyond(b.ID) }) &&
		!slices.ContainsFunc(u.Gone.Backends, beyond)
}

func send(conn *net.UnixConn, message any, file *os.File) error {
	packet, err := probe.Encode(message)
	if err != nil {
		return err
	}
	var rights []byte
	if file != nil {
		rights = unix.UnixRights(int(file.Fd()))
	}
	if _, _, err := conn.WriteMsgUnix(packet, rights, nil); err != nil {
		return fmt.Errorf("answering the greeting: %w", err)
	}
	return nil
}
