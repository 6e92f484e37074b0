package handshake

import (
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// pair returns the two ends of a conversation.
func pair(t *testing.T) (proxy, sensor *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var conns [2]*net.UnixConn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "pair")
		conn, err := net.FileConn(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conns[i] = conn.(*net.UnixConn)
	}
	return conns[0], conns[1]
}

// sendWith sends a packet along with a number of descriptors.
func sendWith(t *testing.T, conn *net.UnixConn, packet []byte, fds int) {
	t.Helper()
	var rights []byte
	if fds > 0 {
		rights = unix.UnixRights(slices.Repeat([]int{int(os.Stdin.Fd())}, fds)...)
	}
	if _, _, err := conn.WriteMsgUnix(packet, rights, nil); err != nil {
		t.Fatal(err)
	}
}

// FuzzHello greets by any packet with any number of descriptors. A greeting is
// taken if it says what came with it, and whatever was not taken is closed.
func FuzzHello(f *testing.F) {
	for fds, h := range []probe.Hello{
		{ABI: probe.ABI}, {ABI: probe.ABI, Instance: "i"}, {ABI: probe.ABI, HasCgroup: true}, {ABI: 2}, {ABI: probe.ABI, HasCgroup: true},
	} {
		packet, err := probe.Encode(h)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet, uint8(fds))
	}
	f.Add([]byte(`{"abi":1,"hasCgroup":"x"}`), uint8(2))
	f.Add([]byte(`{"abi":1`), uint8(1))
	f.Fuzz(func(t *testing.T, packet []byte, fds uint8) {
		if len(packet) == 0 || len(packet) > probe.MaxMessage+8 {
			return
		}
		proxy, sensor := pair(t)
		before := descriptorsOpen(t)
		fds %= 6
		sendWith(t, proxy, packet, int(fds))
		sensor.SetDeadline(time.Now().Add(10 * time.Second))
		peer, err := receiveHello(sensor)
		var hello probe.Hello
		want := 1
		told := probe.Decode(packet, &hello) == nil
		if hello.HasCgroup {
			want = 2
		}
		if ok := told && len(packet) <= probe.MaxMessage && hello.ABI == probe.ABI && int(fds) == want; ok != (err == nil) {
			t.Errorf("%q with %d descriptors: %v", packet, fds, err)
		}
		if err == nil {
			if got := descriptorsOpen(t); got != before+want || peer.Hello != hello {
				t.Errorf("%d descriptors were taken of %+v", got-before, peer.Hello)
			}
			peer.close()
		}
		if got := descriptorsOpen(t); got != before {
			t.Errorf("%d descriptors are left of %q with %d: %v", got-before, packet, fds, err)
		}
	})
}

// told is a Handler that remembers the tables and amendments.
type told struct{ tables []probe.Amendment }

func (h *told) Joined(*Peer) (probe.Welcome, *os.File, error) { return probe.Welcome{}, nil, nil }
func (h *told) Updated(t *probe.Tables)                       { h.tables = append(h.tables, probe.Amendment{Tables: *t}) }
func (h *told) Amended(a *probe.Amendment)                    { h.tables = append(h.tables, *a) }
func (h *told) Left()                                         {}

// FuzzUpdates sends any packets behind a greeting. The tables that the handler
// is told of are those that were sent, whole ones each, and within their bounds.
func FuzzUpdates(f *testing.F) {
	tables := probe.Tables{Series: []probe.Series{{ID: 1, Name: "a"}}, Ports: []probe.Port{{Number: 80, Listener: "l"}}}
	for i := range uint32(40) {
		tables.Backends = append(tables.Backends, probe.Backend{ID: i, Service: "b"})
	}
	for _, u := range tables.Split() {
		packet, err := probe.Encode(u)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet, []byte(`{"last":true}`))
		f.Add([]byte(`{"series":[{"id":1}]}`), packet)
	}
	f.Add([]byte(`{"last":true}`), []byte(`{"amends":true,"gone":{"backends":[1]},"last":true}`))
	f.Add([]byte(`{"endpoints":[{"address":"1.2.3.4:5","backend":1}]}`), []byte(`{"ports":[{}]`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if len(first) == 0 || len(second) == 0 || len(first)+len(second) > probe.MaxMessage {
			return
		}
		proxy, sensor := pair(t)
		h := &told{}
		s := &Server{options: Options{Handler: h}}
		packets := [][]byte{first, second, first}
		for _, packet := range packets {
			sendWith(t, proxy, packet, 0)
		}
		proxy.CloseWrite()
		want := entriesOf(packets)
		sensor.SetDeadline(time.Now().Add(10 * time.Second))
		if err := s.takeUpdates(sensor); err == nil {
			t.Error("the conversation went on behind its end")
		}
		if len(h.tables) != len(want) {
			t.Fatalf("told of %d tables, want %v", len(h.tables), want)
		}
		for i, got := range h.tables {
			if entries(&got) != want[i] {
				t.Errorf("tables %d have not %d entries", i, want[i])
			}
		}
	})
}

func entries(a *probe.Amendment) int {
	return len(a.Series) + len(a.Backends) + len(a.Endpoints) + len(a.Ports) + len(a.Gone.Backends) + len(a.Gone.Endpoints)
}

// entriesOf counts the entries of each of the tables that some packets are the
// parts of, up to the first that is none.
func entriesOf(packets [][]byte) (counts []int) {
	n, begun, amends := 0, false, false
	for _, packet := range packets {
		var u probe.Update
		if probe.Decode(packet, &u) != nil || begun && u.Amends != amends || u.Amends && len(counts) == 0 {
			break
		}
		n, begun, amends = n+entries(&u.Amendment), true, u.Amends
		if !u.Amends {
			n -= len(u.Gone.Backends) + len(u.Gone.Endpoints)
		}
		if u.Last {
			counts, n, begun = append(counts, n), 0, false
		}
	}
	return counts
}
