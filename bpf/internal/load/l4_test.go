package load

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
	"github.com/fleetgate/fleetgate/bpf/internal/procnet"
	"github.com/fleetgate/fleetgate/internal/long"
)

// connectionsEach is how many there are by each version of IP, of which the last
// resetsEach are reset.
var connectionsEach = long.N(20, 1000)

const (
	resetsEach = 5
	echoes     = 10
	echoSize   = 1000
	refusals   = 4
	backendID  = 5
)

// loseSome drops every 25th packet with data on loopback.
func loseSome(t *testing.T) {
	t.Helper()
	spec, err := bpftest.LoadTesting()
	if err != nil {
		t.Fatal(err)
	}
	const name = "drop_some"
	spec.Programs = map[string]*ebpf.ProgramSpec{name: spec.Programs[name]}
	all, err := ebpf.NewCollection(spec)
	bpftest.Require(t, err)
	t.Cleanup(all.Close)
	l, err := link.AttachTCX(link.TCXOptions{Interface: 1, Program: all.Programs[name], Attach: ebpf.AttachTCXEgress})
	bpftest.Require(t, err)
	t.Cleanup(func() { l.Close() })
}

// slowEcho accepts every 20 ms and returns what it reads.
func slowEcho(t *testing.T, address string) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			time.Sleep(20 * time.Millisecond)
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return l.(*net.TCPListener)
}

func talk(t *testing.T, address string) {
	t.Helper()
	for i := range connectionsEach {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		packet := make([]byte, echoSize)
		for range echoes {
			if _, err := c.Write(packet); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, packet); err != nil {
				t.Fatal(err)
			}
		}
		if i >= connectionsEach-resetsEach {
			c.(*net.TCPConn).SetLinger(0)
		}
		c.Close()
	}
}

// sums are the flows of both sides.
type sums map[bpf.L4Side]*bpf.L4Flow

func read(t *testing.T, l4 *L4) (sums, map[bpf.L4FlowKey]bpf.L4Flow) {
	t.Helper()
	total := sums{bpf.L4SideSIDE_DOWNSTREAM: {}, bpf.L4SideSIDE_UPSTREAM: {}}
	flows := map[bpf.L4FlowKey]bpf.L4Flow{}
	err := l4.Flows(func(k bpf.L4FlowKey, f *bpf.L4Flow) {
		flows[k] = *f
		s := total[bpf.L4Side(k.Side)]
		s.Opened += f.Opened
		s.Received += f.Received
		s.Transmitted += f.Transmitted
		s.Retransmitted += f.Retransmitted
		for i := range f.Closed {
			s.Closed[i] += f.Closed[i]
		}
		for i := range f.Failed {
			s.Failed[i] += f.Failed[i]
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return total, flows
}

func sum(counts []uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// settle waits until all connections have ended.
func settle(t *testing.T, l4 *L4) (sums, map[bpf.L4FlowKey]bpf.L4Flow) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		total, flows := read(t, l4)
		open := uint64(0)
		for _, s := range total {
			open += s.Opened - sum(s.Closed[:])
		}
		if open == 0 {
			return total, flows
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections have not ended", open)
		}
	}
}

func observations(b [probe.Buckets]uint64) uint64 { return sum(b[:]) }

// TestConnectionsAreThoseThatTheKernelCounted has connections that are lost
// packets of, closed, reset and refused, and compares with /proc/net.
func TestConnectionsAreThoseThatTheKernelCounted(t *testing.T) {
	cgroup, inside := bpftest.Room(t)
	if !inside {
		return
	}
	l4, err := LoadL4()
	bpftest.Require(t, err)
	defer l4.Close()
	if l4.Basic() {
		t.Error("the kernel has type information, but the programs that need it did not load")
	}
	dir, err := os.Open(cgroup)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := l4.Attach(dir); err != nil {
		t.Fatal(err)
	}
	loseSome(t)
	settled := settleAllTheTime(t, l4)

	var ports []uint16
	for _, loopback := range []string{"127.0.0.1:0", "[::1]:0"} {
		l := slowEcho(t, loopback)
		address := l.Addr().(*net.TCPAddr).AddrPort()
		ports = append(ports, address.Port())
		if err := l4.SetEndpoints([]probe.Endpoint{{Address: address, Backend: backendID}}); err != nil {
			t.Fatal(err)
		}
		talk(t, address.String())
	}
	for range refusals {
		if c, err := net.Dial("tcp", "127.0.0.1:1"); err == nil {
			c.Close()
			t.Fatal("somebody listens on port 1")
		}
	}
	settled()
	total, flows := settle(t, l4)
	kernel, err := procnet.Read("/proc/self/net")
	if err != nil {
		t.Fatal(err)
	}
	down, up := total[bpf.L4SideSIDE_DOWNSTREAM], total[bpf.L4SideSIDE_UPSTREAM]

	connections := uint64(2 * connectionsEach)
	backend := flows[bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_UPSTREAM), Id: backendID}]
	listener := flows[bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_DOWNSTREAM), Id: uint32(ports[1])}]
	for _, c := range []struct {
		what      string
		got, want uint64
	}{
		{"opened upstream, with failures: the kernel's ActiveOpens", up.Opened + sum(up.Failed[:]), kernel.ActiveOpens},
		{"opened downstream: the kernel's PassiveOpens", down.Opened, kernel.PassiveOpens},
		{"failed: the kernel's AttemptFails", sum(up.Failed[:]), kernel.AttemptFails},
		{"resets: the kernel's EstabResets", down.Closed[bpf.L4CloseReasonCLOSE_RESET_RECEIVED] + up.Closed[bpf.L4CloseReasonCLOSE_RESET_SENT], kernel.EstabResets},
		{"retransmitted: the kernel's RetransSegs", down.Retransmitted + up.Retransmitted, kernel.RetransSegs},

		{"opened upstream", up.Opened, connections},
		{"refused", up.Failed[bpf.L4FailureReasonFAILURE_REFUSED], refusals},
		{"closed upstream by FIN", up.Closed[bpf.L4CloseReasonCLOSE_FIN], connections - 2*resetsEach},
		{"closed upstream by our reset", up.Closed[bpf.L4CloseReasonCLOSE_RESET_SENT], 2 * resetsEach},
		{"closed downstream by FIN", down.Closed[bpf.L4CloseReasonCLOSE_FIN], connections - 2*resetsEach},
		{"closed downstream by a reset received", down.Closed[bpf.L4CloseReasonCLOSE_RESET_RECEIVED], 2 * resetsEach},
		{"received upstream", up.Received, connections * echoes * echoSize},
		{"transmitted upstream", up.Transmitted, connections * echoes * echoSize},
		{"received downstream", down.Received, connections * echoes * echoSize},

		{"opened to the backend", backend.Opened, connections},
		{"connect times of the backend", observations(backend.Wait.Bucket), connections},
		{"round-trip times of the backend", observations(backend.Rtt.Bucket), connections},
		{"lifetimes of connections to the backend", observations(backend.Lifetime.Bucket), connections},
		{"lifetimes of connections on the second port", observations(listener.Lifetime.Bucket), connections / 2},
		{"opened on the second port", listener.Opened, connections / 2},
		{"times to accept on the second port", observations(listener.Wait.Bucket), connections / 2},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %d, want %d", c.what, c.got, c.want)
		}
	}
	if kernel.RetransSegs == 0 {
		t.Error("no packet was sent again: nothing was lost")
	}
	// What the last acknowledgement before a reset would have covered is not
	// known to have arrived.
	most := connections * echoes * echoSize
	if got := down.Transmitted; got > most || got < most-2*resetsEach*echoSize {
		t.Errorf("transmitted downstream: got %d, want nearly %d", got, most)
	}
	// The server was asleep for part of the time.
	if mean := time.Duration(listener.Wait.Sum / (connections / 2)); mean < time.Millisecond || mean > 10*time.Second {
		t.Errorf("mean time to accept: got %v", mean)
	}
	long.Report(t, "Connections that sensors count", int(connections), fmt.Sprintf(
		"as /proc/net/snmp and /proc/net/netstat have it: %d opened and %d accepted, %d failed, %d reset, %d segments sent again, with every 25th lost",
		kernel.ActiveOpens, kernel.PassiveOpens, kernel.AttemptFails, kernel.EstabResets, kernel.RetransSegs))
}

func TestEndpointsAreReplaced(t *testing.T) {
	l4, err := LoadL4()
	bpftest.Require(t, err)
	defer l4.Close()
	a, b := netip.MustParseAddrPort("10.0.0.1:80"), netip.MustParseAddrPort("[2001:db8::1]:443")
	for _, endpoints := range [][]probe.Endpoint{
		{{Address: a, Backend: 1}},
		{{Address: a, Backend: 2}, {Address: b, Backend: 1}},
		{{Address: b, Backend: 1}},
		nil,
	} {
		if err := l4.SetEndpoints(endpoints); err != nil {
			t.Fatal(err)
		}
		want := map[bpf.L4Endpoint]uint32{}
		for _, e := range endpoints {
			want[endpointKey(e.Address)] = e.Backend
		}
		for _, address := range []netip.AddrPort{a, b} {
			var got uint32
			err := l4.endpoints.Lookup(endpointKey(address), &got)
			if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
				t.Fatal(err)
			}
			if got != want[endpointKey(address)] {
				t.Errorf("%v of %v: got backend %d, want %d", address, endpoints, got, want[endpointKey(address)])
			}
		}
	}
}

func TestAllFormsOfTheConnectionProgramLoad(t *testing.T) {
	for _, without := range [][]string{
		{"socket_events", "live_sockets"}, {"socket_events_basic", "live_sockets"}, {"socket_events_basic"},
	} {
		all, err := loadL4(L4Options{}, without...)
		bpftest.Require(t, err)
		all.Close()
	}
}
