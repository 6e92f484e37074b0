package custody

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// shared has sockets share their port.
func shared(_, _ string, raw syscall.RawConn) (err error) {
	control := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	if control != nil {
		return control
	}
	return err
}
