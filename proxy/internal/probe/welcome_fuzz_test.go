package probe

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
)

// conversation returns the two ends of one.
func conversation(t *testing.T) (sensor, proxy *net.UnixConn) {
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

func descriptorsOpen(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// FuzzWelcome answers a greeting by any packet with any number of descriptors.
// One of them at most is taken, with a message that can be read, and none is left
// open beside it.
func FuzzWelcome(f *testing.F) {
	for _, mode := range []string{probev1.ModeShared, probev1.ModeUprobe} {
		packet, err := probev1.Encode(probev1.Welcome{ABI: probev1.ABI, Mode: mode})
		if err != nil {
			f.Fatal(err)
		}
		for fds := range uint8(4) {
			f.Add(packet, fds)
		}
	}
	f.Add([]byte(`{"abi":`), uint8(1))
	f.Fuzz(func(t *testing.T, packet []byte, fds uint8) {
		if len(packet) == 0 || len(packet) > probev1.MaxMessage {
			return
		}
		sensor, proxy := conversation(t)
		before := descriptorsOpen(t)
		var rights []byte
		if fds %= 5; fds > 0 {
			rights = unix.UnixRights(slices.Repeat([]int{int(os.Stdin.Fd())}, int(fds))...)
		}
		if _, _, err := sensor.WriteMsgUnix(packet, rights, nil); err != nil {
			t.Fatal(err)
		}
		proxy.SetDeadline(time.Now().Add(10 * time.Second))
		got, file, err := receiveWelcome(proxy)
		var want probev1.Welcome
		told := probev1.Decode(packet, &want) == nil
		if err == nil && (!told || got != want || (file != nil) != (fds > 0)) || err != nil && told && fds < 2 {
			t.Errorf("%q with %d descriptors: got %+v, a file %v, %v", packet, fds, got, file != nil, err)
		}
		if file != nil {
			if err != nil {
				t.Error("a file beside an error")
			}
			file.Close()
		}
		if n := descriptorsOpen(t) - before; n != 0 {
			t.Errorf("%d of %d descriptors are left open", n, fds)
		}
	})
}

// FuzzCgroupPath reads what the kernel says of a process's cgroups: the path is
// that of the first line of version 2.
func FuzzCgroupPath(f *testing.F) {
	f.Add("0::/kubepods/pod1\n")
	f.Add("1:name=systemd:/\n0::/a:b\n0::/c\n")
	f.Add("00::/\n0::")
	f.Fuzz(func(t *testing.T, lines string) {
		file := filepath.Join(t.TempDir(), "cgroup")
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := cgroupPath(file)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if _, rest, ok := strings.Cut("\n"+lines, "\n0::"); ok {
			want, _, _ = strings.Cut(rest, "\n")
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", lines, got, want)
		}
	})
}
