package porttest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// The ports are even ones below those that systems give to whoever asks for any, so
// that no connection of another test takes one, and apart from those of the tests that
// run whole programs.
const (
	first = 10_000
	pairs = 4_000
)

// Free returns a port of TCP and UDP on which nobody listens, and which no other call,
// in whatever process, returns until the test has ended: as long as that, the odd port
// behind it is listened on.
func Free(t testing.TB) uint16 {
	t.Helper()
	for i, start := 0, rand.IntN(pairs); i < pairs; i++ {
		port := uint16(first + 2*((start+i)%pairs))
		guard, err := net.Listen("tcp", address(port+1))
		if err != nil {
			continue
		}
		if isFree(port) {
			t.Cleanup(func() { guard.Close() })
			return port
		}
		guard.Close()
	}
	t.Fatal("no port is free")
	return 0
}

// isFree reports whether nobody listens on a port, whatever its address.
func isFree(port uint16) bool {
	for _, host := range []string{"127.0.0.1", ""} {
		addr := net.JoinHostPort(host, strconv.Itoa(int(port)))
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			return false
		}
		ln.Close()
		conn, err := net.ListenPacket("udp", addr)
		if err != nil {
			return false
		}
		conn.Close()
	}
	return true
}

func address(port uint16) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))) }
