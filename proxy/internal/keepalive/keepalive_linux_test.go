package keepalive

import (
	"net"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

// options are those of a connection, by name.
func options(t *testing.T, c net.Conn) map[string]int {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	get := func(fd uintptr, name string, level, option int) {
		v, err := unix.GetsockoptInt(int(fd), level, option)
		if err != nil {
			t.Error(err)
		}
		got[name] = v
	}
	if err := raw.Control(func(fd uintptr) {
		get(fd, "keepalive", unix.SOL_SOCKET, unix.SO_KEEPALIVE)
		get(fd, "idle", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
		get(fd, "interval", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL)
		get(fd, "count", unix.IPPROTO_TCP, unix.TCP_KEEPCNT)
		get(fd, "timeout", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

// A listener is told once, and both ends of a connection are watched.
func TestConnectionsAreWatched(t *testing.T) {
	listen := Listen()
	ln, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	watched := map[string]int{"keepalive": 1, "idle": 30, "interval": 10, "count": 3, "timeout": 60_000}
	patient := map[string]int{"keepalive": 1, "idle": 30, "interval": 10, "count": 3, "timeout": 0}
	for _, test := range []struct {
		dialer net.Dialer
		want   map[string]int
	}{{Dialer(), watched}, {PatientDialer(), patient}} {
		dialed, err := test.dialer.DialContext(t.Context(), "tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer dialed.Close()
		accepted, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		if got := options(t, dialed); !reflect.DeepEqual(got, test.want) {
			t.Errorf("dialed: got %v, want %v", got, test.want)
		}
		if got := options(t, accepted); !reflect.DeepEqual(got, watched) {
			t.Errorf("accepted: got %v, want %v", got, watched)
		}
		if err := LiftFrom(accepted); err != nil {
			t.Fatal(err)
		}
		if got := options(t, accepted); !reflect.DeepEqual(got, patient) {
			t.Errorf("lifted: got %v, want %v", got, patient)
		}
	}
}
