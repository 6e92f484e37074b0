package sockinfo

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Read returns what the kernel says of a TCP socket, and the zero Socket if it
// says nothing.
func Read(fd int) traffic.Socket {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return traffic.Socket{}
	}
	s := traffic.Socket{
		Known:         true,
		RTT:           time.Duration(info.Rtt) * time.Microsecond,
		Retransmitted: info.Total_retrans,
	}
	if f, ok := facts(fd); ok {
		s.Waited, s.Wait = true, time.Duration(f.Wait)
	}
	return s
}

// facts asks the sensor's program. Without one the kernel knows no such option.
func facts(fd int) (f probe.SocketFacts, ok bool) {
	size := uint32(unsafe.Sizeof(f))
	_, _, e := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), probe.SocketLevel, probe.SocketFactsOption,
		uintptr(unsafe.Pointer(&f)), uintptr(unsafe.Pointer(&size)), 0)
	return f, e == 0 && size == uint32(unsafe.Sizeof(f))
}
