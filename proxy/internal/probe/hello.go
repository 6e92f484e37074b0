package probe

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/probe/v1/point"
)

// sendHello tells the sensor who this is, with the descriptors of what it may
// attach to.
func (c *Client) sendHello(conn *net.UnixConn) error {
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("opening own executable: %w", err)
	}
	defer exe.Close()
	rights := []int{int(exe.Fd())}

	hello := probev1.Hello{ABI: probev1.ABI, Instance: c.instance}
	here, err := point.Find()
	if err != nil && !errors.Is(err, point.ErrNone) {
		return err
	}
	hello.Point = here.Offset
	if hello.CgroupPath, err = cgroupPath("/proc/self/cgroup"); err != nil {
		return err
	}
	if dir := openCgroup(c.options.CgroupDir, hello.CgroupPath); dir != nil {
		defer dir.Close()
		hello.HasCgroup = true
		rights = append(rights, int(dir.Fd()))
	}
	packet, err := probev1.Encode(hello)
	if err != nil {
		return err
	}
	if _, _, err := conn.WriteMsgUnix(packet, unix.UnixRights(rights...), nil); err != nil {
		return fmt.Errorf("greeting the sensor: %w", err)
	}
	return nil
}

// receiveWelcome returns the sensor's answer and the file that came with it,
// which may be nil.
func receiveWelcome(conn *net.UnixConn) (probev1.Welcome, *os.File, error) {
	var welcome probev1.Welcome
	packet := make([]byte, probev1.MaxMessage)
	control := make([]byte, unix.CmsgSpace(4))
	n, controls, _, _, err := conn.ReadMsgUnix(packet, control)
	if err != nil {
		return welcome, nil, fmt.Errorf("waiting for the sensor's answer: %w", err)
	}
	var file *os.File
	if controls > 0 {
		if file, err = descriptor(control[:controls]); err != nil {
			return welcome, nil, err
		}
	}
	if err := probev1.Decode(packet[:n], &welcome); err != nil {
		if file != nil {
			file.Close()
		}
		return welcome, nil, err
	}
	return welcome, file, nil
}

// descriptor returns the first file of a control message, which for its padding
// has room for two, and closes the other.
func descriptor(control []byte) (*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("the sensor's answer has %d control messages: %w", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return nil, fmt.Errorf("the sensor's answer has no descriptor: %w", err)
	}
	for _, fd := range fds[1:] {
		unix.Close(fd)
	}
	return os.NewFile(uintptr(fds[0]), "probe table"), nil
}
