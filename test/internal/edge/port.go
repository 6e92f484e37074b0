package edge

import (
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
)

// Ports are taken from a range below that of the kernel's ephemeral ports, so
// that no connection of a test holds one that a listener is about to bind.
const (
	firstPort = 18000
	portCount = 14000
)

// nextPort begins at a place of the process's own: several test programs run at
// once.
var nextPort atomic.Int64

func init() { nextPort.Store(int64(os.Getpid()) * 97) }

// FreePort returns a TCP port of the loopback address that nothing listens on.
func FreePort(t testing.TB) int32 {
	t.Helper()
	for range portCount {
		port := firstPort + int(nextPort.Add(1)%portCount)
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		l.Close()
		return int32(port)
	}
	t.Fatal("no free port")
	return 0
}
