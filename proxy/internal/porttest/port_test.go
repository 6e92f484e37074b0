package porttest

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestPortsAreTheTestsOwn(t *testing.T) {
	seen := map[uint16]bool{}
	for range 100 {
		port := Free(t)
		if seen[port] {
			t.Fatalf("%d was handed out twice", port)
		}
		seen[port] = true
		if guard, err := net.Listen("tcp", address(port+1)); err == nil {
			guard.Close()
			t.Errorf("nobody holds %d", port)
		}
	}
}

func TestTakenPortsAreLeftOut(t *testing.T) {
	port := Free(t)
	ln, err := net.Listen("tcp", address(port))
	if err != nil {
		t.Fatal(err)
	}
	if isFree(port) {
		t.Error("a port that is listened on by TCP passes for free")
	}
	ln.Close()
	conn, err := net.ListenPacket("udp", address(port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if isFree(port) {
		t.Error("a port that is listened on by UDP passes for free")
	}
}

func TestPortsAreNotEphemeral(t *testing.T) {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skip("the system does not say which ports are: ", err)
	}
	low, err := strconv.Atoi(strings.Fields(string(b))[0])
	if err != nil {
		t.Fatal(err)
	}
	if last := first + 2*pairs - 1; last >= low {
		t.Errorf("the last port is %d, those from %d on are ephemeral", last, low)
	}
}
