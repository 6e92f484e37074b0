package collect

import (
	"errors"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf/internal/procnet"
	"github.com/fleetgate/fleetgate/bpf/internal/sockdiag"
)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// looking is a collector that sees some sockets.
func looking(s State, err error, sockets ...sockdiag.Socket) *Collector {
	d := &Directory{}
	d.Replace(&probe.Tables{
		Backends:  []probe.Backend{{ID: 5, Namespace: "shop", Service: "cart", Port: 80}},
		Ports:     []probe.Port{{Number: 443, Listener: "web"}},
		Endpoints: []probe.Endpoint{{Address: addr("10.0.0.7:8080"), Backend: 5}},
	}, time.Unix(0, 0))
	return New(Options{
		Directory: d,
		State:     func() State { return s },
		Kernel:    func() (procnet.Counters, error) { return procnet.Counters{CurrEstab: 9}, nil },
		Sockets: func(fn func(*sockdiag.Socket)) error {
			for i := range sockets {
				fn(&sockets[i])
			}
			return err
		},
	})
}

var someSockets = []sockdiag.Socket{
	{Local: addr("0.0.0.0:443"), Listening: true, Queued: 2, Limit: 128},
	{Local: addr("[::]:443"), Listening: true, Queued: 1, Limit: 128},
	{Local: addr("0.0.0.0:19002"), Listening: true, Queued: 1, Limit: 128},
	{Local: addr("10.0.0.1:443"), Remote: addr("10.9.9.9:50000"), RTT: time.Millisecond},
	{Local: addr("[2001:db8::1]:443"), Remote: addr("[2001:db8::9]:50000"), RTT: 3 * time.Millisecond, Retransmitting: true},
	{Local: addr("10.0.0.1:443"), Remote: addr("10.9.9.9:50001")}, // nothing measured
	{Local: addr("10.0.0.1:40000"), Remote: addr("[::ffff:10.0.0.7]:8080"), RTT: 500 * time.Microsecond},
	{Local: addr("10.0.0.1:40000"), Remote: addr("10.0.0.8:8080"), RTT: time.Hour}, // a stranger
	{Local: addr("10.0.0.1:19002"), Remote: addr("10.0.0.9:8080"), RTT: time.Hour}, // a scrape
}

func TestOpenSocketsAreToldByListenerAndBackend(t *testing.T) {
	const told = `
fleetgate_tcp_accept_queue_length{listener="web"} 3
fleetgate_tcp_accept_queue_limit{listener="web"} 256
fleetgate_tcp_open_smoothed_rtt_seconds{backend="",listener="web",side="downstream",stat="mean"} 0.002
fleetgate_tcp_open_smoothed_rtt_seconds{backend="",listener="web",side="downstream",stat="max"} 0.003
fleetgate_tcp_open_smoothed_rtt_seconds{backend="shop/cart:80",listener="",side="upstream",stat="mean"} 0.0005
fleetgate_tcp_open_smoothed_rtt_seconds{backend="shop/cart:80",listener="",side="upstream",stat="max"} 0.0005
fleetgate_tcp_open_retransmitting{backend="",listener="web",side="downstream"} 1
fleetgate_tcp_open_retransmitting{backend="shop/cart:80",listener="",side="upstream"} 0`
	names := []string{
		"fleetgate_tcp_accept_queue_length", "fleetgate_tcp_accept_queue_limit",
		"fleetgate_tcp_open_smoothed_rtt_seconds", "fleetgate_tcp_open_retransmitting", "fleetgate_tcp_connections",
	}
	compare(t, looking(State{Connections: fakeConnections{}}, nil, someSockets...), told, names...)
	compare(t, looking(State{}, nil, someSockets...), told+`
fleetgate_tcp_connections{backend="",listener="web",side="downstream"} 3
fleetgate_tcp_connections{backend="shop/cart:80",listener="",side="upstream"} 1
`, names...)
}

// TestDropsAreToldByListener has sockets of a listener drop, come and go. What one that
// has gone had dropped stays counted, and the first look at one has what it dropped
// before.
func TestDropsAreToldByListener(t *testing.T) {
	g := newGateway(t, 0)
	g.tables.Ports = []probe.Port{{Number: 443, Listener: "web"}, {Number: 80, Listener: "plain"}}
	g.replace()
	listening := func(address string, cookie uint64, dropped uint32) sockdiag.Socket {
		return sockdiag.Socket{Local: addr(address), Listening: true, Limit: 1, Cookie: cookie, Dropped: dropped}
	}
	for step, look := range []struct {
		sockets []sockdiag.Socket
		want    int
	}{
		{[]sockdiag.Socket{listening("0.0.0.0:443", 1, 3), listening("[::]:443", 2, 0), listening("0.0.0.0:80", 3, 1), listening("0.0.0.0:19002", 4, 100)}, 4},
		{[]sockdiag.Socket{listening("0.0.0.0:443", 1, 3), listening("[::]:443", 2, 7), listening("0.0.0.0:80", 3, 1)}, 7},
		{[]sockdiag.Socket{listening("0.0.0.0:443", 5, 2), listening("[::]:443", 2, 8), listening("0.0.0.0:80", 3, 1)}, 3},
		{[]sockdiag.Socket{listening("0.0.0.0:443", 5, math.MaxUint32), listening("0.0.0.0:80", 3, 1)}, math.MaxUint32 - 2},
		{[]sockdiag.Socket{listening("0.0.0.0:443", 5, 1), listening("0.0.0.0:80", 3, 1)}, 2},
	} {
		g.sockets = look.sockets
		t.Log("look", step)
		g.want(g.increases(DefaultMaxSeries), "tcp_listen_drops_total", look.want)
	}
	compare(t, g.Collector, `
fleetgate_tcp_listen_drops_total{listener="plain"} 1
fleetgate_tcp_listen_drops_total{listener="web"} 4.294967308e+09
`, "fleetgate_tcp_listen_drops_total")
}

// TestALookThatFailsLosesNoDrops: what it has found counts with the next one.
func TestALookThatFailsLosesNoDrops(t *testing.T) {
	d := &Directory{}
	d.Replace(&probe.Tables{Ports: []probe.Port{{Number: 443, Listener: "web"}}}, time.Unix(0, 0))
	var failure error
	walk := func(fn func(*sockdiag.Socket)) error {
		fn(&sockdiag.Socket{Local: addr("0.0.0.0:443"), Listening: true, Cookie: 1, Dropped: 5})
		return failure
	}
	var seen drops
	failure = errors.New("interrupted")
	if got := readSockets(walk, d, &seen, nil); len(got.dropped) != 0 {
		t.Errorf("a look that failed: got %v", got.dropped)
	}
	failure = nil
	for _, want := range []uint64{5, 0} {
		if got := readSockets(walk, d, &seen, nil).dropped["web"]; got != want {
			t.Errorf("got %d dropped, want %d", got, want)
		}
	}
}

func TestAKernelThatDoesNotTellOfSockets(t *testing.T) {
	compare(t, looking(State{}, errors.New("no module"), someSockets...), `
fleetgate_tcp_connections{backend="",listener="",side="all"} 9
fleetgate_sensor_hook_attached{hook="sock_diag"} 0
`, "fleetgate_tcp_connections", "fleetgate_tcp_accept_queue_length", "fleetgate_sensor_hook_attached")
}
