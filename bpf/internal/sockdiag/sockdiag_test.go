package sockdiag

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mine are the sockets that have a port at one end.
func mine(t *testing.T, port uint16) (listening, open []Socket) {
	t.Helper()
	if err := Each(func(s *Socket) {
		switch {
		case s.Listening && s.Local.Port() == port:
			listening = append(listening, *s)
		case s.Local.Port() == port || s.Remote.Port() == port:
			open = append(open, *s)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return listening, open
}

// queued waits until a connection waits to be accepted: the client knows that it
// is connected before the other end does. It returns the open sockets.
func queued(t *testing.T, port uint16) []Socket {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		listening, open := mine(t, port)
		if len(listening) == 1 && listening[0].Queued == 1 {
			return open
		}
		if time.Now().After(deadline) {
			t.Fatalf("with one not accepted: got %v", listening)
		}
	}
}

// listenOn listens on a port of its own until the end of the test.
func listenOn(t *testing.T, loopback string) (net.Listener, netip.AddrPort) {
	t.Helper()
	l, err := net.Listen("tcp", loopback)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, l.Addr().(*net.TCPAddr).AddrPort()
}

// TestBothRequestsTellTheSame asks for all families at once, and one after the other.
func TestBothRequestsTellTheSame(t *testing.T) {
	for _, loopback := range []string{"127.0.0.1:0", "[::1]:0"} {
		_, at := listenOn(t, loopback)
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		for name, requests := range map[string][][]byte{
			"at once": {requestOfAll()}, "by family": {request(unix.AF_INET), request(unix.AF_INET6)},
		} {
			found := 0
			for _, r := range requests {
				if err := ask(fd, make([]byte, bufferSize), r, func(s *Socket) {
					if s.Listening && s.Local == at {
						found++
					}
				}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if found != 1 {
				t.Errorf("%s: %v was told %d times", name, at, found)
			}
		}
	}
}

func TestSocketsAreThoseThatAreOpen(t *testing.T) {
	for _, loopback := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, at := listenOn(t, loopback)
		if listening, open := mine(t, at.Port()); len(listening) != 1 || len(open) != 0 || listening[0].Local != at || listening[0].Limit == 0 {
			t.Errorf("%v: got %v listening and %v open", at, listening, open)
		}
		client, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		open := queued(t, at.Port())
		from := client.LocalAddr().(*net.TCPAddr).AddrPort()
		if len(open) != 2 {
			t.Fatalf("got %v, want both ends of one connection", open)
		}
		for _, s := range open {
			if ends := [2]netip.AddrPort{s.Local, s.Remote}; ends != [2]netip.AddrPort{at, from} && ends != [2]netip.AddrPort{from, at} {
				t.Errorf("got a connection from %v to %v, want %v and %v", s.Local, s.Remote, from, at)
			}
			if s.RTT <= 0 || s.Retransmitting {
				t.Errorf("got %+v, want a round-trip time", s)
			}
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		server.Close()
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if listening, _ := mine(t, at.Port()); listening[0].Queued != 0 {
			t.Errorf("after accepting: got %v", listening)
		}
	}
}

// TestBytesAreThoseThatWereSent has the two ends of a connection say something, and one
// of them end its half.
func TestBytesAreThoseThatWereSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).AddrPort().Port()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const asked, answered = 5000, 300
	for _, way := range []struct {
		from, to net.Conn
		n        int
	}{{client, server, asked}, {server, client, answered}} {
		if _, err := way.from.Write(make([]byte, way.n)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(way.to, make([]byte, way.n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	var got Socket
	for deadline := time.Now().Add(10 * time.Second); got.Acknowledged != asked+1; time.Sleep(time.Millisecond) {
		// The server's end is in a state that is not told of any more.
		if _, open := mine(t, port); len(open) == 1 {
			got = open[0]
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %+v, want %d bytes and the SYN acknowledged", got, asked)
		}
	}
	if got.Received != answered || got.Cookie == 0 {
		t.Errorf("got %+v, want %d bytes received", got, answered)
	}
}

// TestDropsAreThoseOfTheListener has more clients come than its queue takes.
func TestDropsAreThoseOfTheListener(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	loopback := [4]byte{127, 0, 0, 1}
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := name.(*unix.SockaddrInet4)
	if listening, _ := mine(t, uint16(at.Port)); len(listening) != 1 || listening[0].Dropped != 0 {
		t.Fatalf("before anybody came: got %+v", listening)
	}
	for range 5 {
		client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(client)
		if err := unix.Connect(client, at); err != nil && !errors.Is(err, unix.EINPROGRESS) {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		listening, _ := mine(t, uint16(at.Port))
		if len(listening) == 1 && listening[0].Dropped > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("of five clients the queue takes one: got %+v", listening)
		}
	}
}

// message is a netlink message with a body.
func message(kind uint16, body ...byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return append(append(b, make([]byte, 10)...), body...)
}

func TestParse(t *testing.T) {
	whole := message(unix.SOCK_DIAG_BY_FAMILY, make([]byte, messageSize)...)
	refused := binary.NativeEndian.AppendUint32(nil, uint32(0xffffffff)) // -EPERM
	tests := []struct {
		name    string
		in      []byte
		sockets int
		done    bool
		err     error
	}{
		{"nothing", nil, 0, false, nil},
		{"a socket", whole, 1, false, nil},
		{"two, and the end", append(append(whole, whole...), message(unix.NLMSG_DONE)...), 2, true, nil},
		{"a refusal", message(unix.NLMSG_ERROR, refused...), 0, false, unix.EPERM},
		{"a refusal without a reason", message(unix.NLMSG_ERROR), 0, false, errMalformed},
		{"a socket cut short", message(unix.SOCK_DIAG_BY_FAMILY, 1, 2, 3), 0, false, errMalformed},
		{"a message longer than the portion", whole[:len(whole)-1], 0, false, errMalformed},
		{"a message without a length", make([]byte, 16), 0, false, errMalformed},
		{"an attribute without a length", message(unix.SOCK_DIAG_BY_FAMILY, make([]byte, messageSize+8)...), 1, false, nil},
	}
	for _, tt := range tests {
		n := 0
		done, err := parse(tt.in, func(*Socket) { n++ })
		if n != tt.sockets || done != tt.done || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %d sockets, done %v and error %v", tt.name, n, done, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(message(unix.SOCK_DIAG_BY_FAMILY, make([]byte, messageSize+200)...))
	f.Add(message(unix.NLMSG_DONE))
	f.Fuzz(func(_ *testing.T, in []byte) {
		// It must come to an end, within the bounds of what was given.
		_, _ = parse(in, func(*Socket) {})
	})
}
