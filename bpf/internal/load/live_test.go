package load

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
)

// settleAllTheTime looks at open connections again and again, which must not
// change what is counted of them in the end. It returns what ends it.
func settleAllTheTime(t *testing.T, l4 *L4) (end func()) {
	t.Helper()
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
			if err := l4.Settle(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

// attachHere loads the programs and attaches them to the room's cgroup.
func attachHere(t *testing.T, cgroup string) *L4 {
	t.Helper()
	l4, err := LoadL4()
	bpftest.Require(t, err)
	t.Cleanup(func() { l4.Close() })
	dir, err := os.Open(cgroup)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := l4.Attach(dir); err != nil {
		t.Fatal(err)
	}
	return l4
}

// pair is the two ends of one connection.
func pair(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	client, server = dialed.(*net.TCPConn), accepted.(*net.TCPConn)
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

// send sends n bytes one way, and returns when they were read.
func send(t *testing.T, from, to *net.TCPConn, n int) {
	t.Helper()
	if _, err := from.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(to, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
}

// acknowledged waits until the other side has acknowledged all that c has sent.
func acknowledged(t *testing.T, c *net.TCPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		unsent := 1
		raw.Control(func(fd uintptr) { unsent, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
		if err != nil {
			t.Fatal(err)
		}
		if unsent == 0 {
			return
		}
	}
	t.Fatal("what was sent is not acknowledged")
}

func TestOpenConnectionsAreNotABlindSpot(t *testing.T) {
	cgroup, inside := bpftest.Room(t)
	if !inside {
		return
	}
	l4 := attachHere(t, cgroup)
	if !l4.Walks() {
		t.Fatal("the kernel has type information, but open connections cannot be looked at")
	}
	client, server := pair(t)
	const up, down = 70_000, 3000
	sent := [2]uint64{}
	for range 3 {
		send(t, client, server, up)
		send(t, server, client, down)
		acknowledged(t, client)
		acknowledged(t, server)
		sent[0], sent[1] = sent[0]+up, sent[1]+down
		if err := l4.Settle(); err != nil {
			t.Fatal(err)
		}
		expect(t, l4, "while it is open", sent[0], sent[1])
	}
	// Half closed, it still receives.
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("reading the end: %v", err)
	}
	send(t, server, client, down)
	acknowledged(t, server)
	if err := l4.Settle(); err != nil {
		t.Fatal(err)
	}
	server.Close()
	client.Close()
	settle(t, l4)
	expect(t, l4, "when it has ended", sent[0], sent[1]+down)
}

// expect compares what was counted of bytes to and from the server, by both
// ends.
func expect(t *testing.T, l4 *L4, when string, up, down uint64) {
	t.Helper()
	total, _ := read(t, l4)
	client, server := total[bpf.L4SideSIDE_UPSTREAM], total[bpf.L4SideSIDE_DOWNSTREAM]
	if client.Transmitted != up || client.Received != down || server.Transmitted != down || server.Received != up {
		t.Errorf("%s: the client has sent %d and received %d, the server %d and %d; want %d up and %d down",
			when, client.Transmitted, client.Received, server.Transmitted, server.Received, up, down)
	}
}

// ask asks about a socket as the proxy does.
func ask(t *testing.T, c *net.TCPConn) (facts probe.SocketFacts, err error) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		size := uint32(unsafe.Sizeof(facts))
		_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, probe.SocketLevel, probe.SocketFactsOption,
			uintptr(unsafe.Pointer(&facts)), uintptr(unsafe.Pointer(&size)), 0)
		if errno != 0 {
			err = errno
		}
	})
	return facts, err
}

func TestAProxyCanAskAboutItsSockets(t *testing.T) {
	cgroup, inside := bpftest.Room(t)
	if !inside {
		return
	}
	before, _ := pair(t)
	if facts, err := ask(t, before); !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOPROTOOPT) {
		t.Errorf("without a sensor: got %+v and %v", facts, err)
	}
	attachHere(t, cgroup)
	if facts, err := ask(t, before); !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOPROTOOPT) {
		t.Errorf("a connection from before: got %+v and %v", facts, err)
	}
	begin := time.Now()
	client, server := pair(t)
	for name, c := range map[string]*net.TCPConn{"client": client, "server": server} {
		facts, err := ask(t, c)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if took := uint64(time.Since(begin)); facts.Wait == 0 || facts.Wait > took || facts.Age == 0 || facts.Age > took {
			t.Errorf("%s: got %+v within %d ns", name, facts, took)
		}
	}
	// What the kernel itself answers is left as it is.
	raw, err := client.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if got, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE); got != unix.SOCK_STREAM || err != nil {
			t.Errorf("the socket's type: got %d and %v", got, err)
		}
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err != nil || info.State != 1 {
			t.Errorf("TCP_INFO: got %+v and %v", info, err)
		}
	})
}
