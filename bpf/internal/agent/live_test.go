package agent

import (
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
	"github.com/fleetgate/fleetgate/bpf/internal/remote"
)

const backend = 5

// move has this process be in a cgroup.
func move(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
		t.Fatal(err)
	}
}

// echo listens in the cgroup that the process is in, and returns what it reads.
func echo(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	return listener
}

// talk makes connections, each of which sends and receives size bytes.
func talk(t *testing.T, to net.Addr, connections, size int) {
	t.Helper()
	for range connections {
		conn, err := net.Dial("tcp", to.String())
		if err != nil {
			t.Fatal(err)
		}
		packet := make([]byte, size)
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, packet); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
}

// flows are what the sensor reads, by their keys.
func (s *sensorOf) flows(t *testing.T) map[bpf.L4FlowKey]bpf.L4Flow {
	t.Helper()
	flows := map[bpf.L4FlowKey]bpf.L4Flow{}
	if err := s.Flows(func(k bpf.L4FlowKey, f *bpf.L4Flow) { flows[k] = *f }); err != nil {
		t.Fatal(err)
	}
	return flows
}

// attachedTo says how many programs of the kind there are at a cgroup.
func attachedTo(t *testing.T, dir string, kind ebpf.AttachType) int {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found, err := link.QueryPrograms(link.QueryOptions{Target: int(f.Fd()), Attach: kind})
	if err != nil {
		t.Fatal(err)
	}
	return len(found.Programs)
}

func addrPort(l net.Listener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }

// Two pods of one node have sensors without programs of their own. Each gets what
// its proxy has opened and accepted, to the last connection, and nothing of the
// other's.
func TestPodsOfANodeAreCountedEachForItself(t *testing.T) {
	room, inside := bpftest.Room(t)
	if !inside {
		return
	}
	dirs := map[string]string{"a": filepath.Join(room, "poduid-a"), "b": filepath.Join(room, "kubepods-poduid_b.slice")}
	for _, dir := range dirs {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		move(t, room)
		for _, dir := range dirs {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		}
	}()
	a := startAgent(t, NewKernel(), room)

	sensors, opened := map[string]*sensorOf{}, map[string]int{"a": 3, "b": 5}
	for pod, dir := range dirs {
		move(t, dir)
		listener := echo(t)
		sensors[pod] = a.join(t, pod, addrPort(listener))
		sensors[pod].listener = listener
		defer sensors[pod].leave()
	}
	for pod, dir := range dirs {
		move(t, dir)
		// The endpoints are told after the agent has begun.
		await(t, "endpoints", func() bool {
			talk(t, sensors[pod].listener.Addr(), 1, 10)
			return sensors[pod].flows(t)[bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_UPSTREAM), Id: backend}].Opened > 0
		})
		await(t, "the end of all connections", func() bool {
			for _, f := range sensors[pod].flows(t) {
				if f.Closed[bpf.L4CloseReasonCLOSE_FIN] != f.Opened {
					return false
				}
			}
			return true
		})
	}
	before := map[string]map[bpf.L4FlowKey]bpf.L4Flow{"a": sensors["a"].flows(t), "b": sensors["b"].flows(t)}
	const size = 1000
	for pod, n := range opened {
		move(t, dirs[pod])
		talk(t, sensors[pod].listener.Addr(), n, size)
	}
	for pod, n := range opened {
		up := bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_UPSTREAM), Id: backend}
		down := bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_DOWNSTREAM), Id: uint32(addrPort(sensors[pod].listener).Port())}
		await(t, "all bytes of pod "+pod, func() bool {
			now := sensors[pod].flows(t)
			return now[up].Received-before[pod][up].Received == uint64(n*size) &&
				now[down].Received-before[pod][down].Received == uint64(n*size)
		})
		now := sensors[pod].flows(t)
		for _, key := range []bpf.L4FlowKey{up, down} {
			if got := now[key].Opened - before[pod][key].Opened; got != uint64(n) {
				t.Errorf("pod %s has opened %d of %+v, want %d", pod, got, key, n)
			}
			if now[key].Wait.Sum <= before[pod][key].Wait.Sum {
				t.Errorf("pod %s: the waits of %+v are not measured", pod, key)
			}
		}
		for key := range now {
			if key.Id != 0 && key != up && key != down {
				t.Errorf("pod %s gets %+v, which is none of its own", pod, key)
			}
		}
	}
	// What a sensor has had loaded goes with it.
	for _, pod := range []string{"a", "b"} {
		if n := attachedTo(t, dirs[pod], ebpf.AttachCGroupSockOps); n != 1 {
			t.Errorf("pod %s has %d programs", pod, n)
		}
	}
	move(t, room)
	sensors["a"].Follow(remote.Proxy{})
	await(t, "the programs to go", func() bool { return attachedTo(t, dirs["a"], ebpf.AttachCGroupSockOps) == 0 })
	if n := attachedTo(t, dirs["b"], ebpf.AttachCGroupSockOps); n != 1 {
		t.Errorf("with those of a, those of b have gone: there are %d", n)
	}
}
