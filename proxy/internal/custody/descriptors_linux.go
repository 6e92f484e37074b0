package custody

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// descriptors reads those that came beside a packet. No program that is started later
// gets them, as net.UnixConn sees to.
func descriptors(beside []byte) (fds []int, err error) {
	all, err := unix.ParseSocketControlMessage(beside)
	if err != nil {
		return nil, fmt.Errorf("reading what is beside a packet: %w", err)
	}
	for i := range all {
		more, err := unix.ParseUnixRights(&all[i])
		if err != nil {
			CloseAll(fds)
			return nil, fmt.Errorf("reading descriptors: %w", err)
		}
		fds = append(fds, more...)
	}
	return fds, nil
}

// CloseAll closes descriptors of sockets.
func CloseAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
