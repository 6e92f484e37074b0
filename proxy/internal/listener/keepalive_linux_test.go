package listener

import (
	"io"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// watched are the options by which the kernel sees that a peer has gone: whether it
// looks, after how many seconds, how often, and for how long what was sent may be
// unacknowledged.
type watched struct{ on, idle, interval, count, timeout int }

// sockets returns the options of this process's connections one of whose ends is a
// port, by whether that is the local end.
func sockets(t *testing.T, port uint16, local bool) (all []watched) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range fds {
		fd, _ := strconv.Atoi(entry.Name())
		sa, err := unix.Getsockname(fd)
		if !local {
			sa, err = unix.Getpeername(fd)
		}
		if _, e := unix.Getpeername(fd); err != nil || e != nil || portOf(sa) != int(port) {
			continue
		}
		option := func(level, option int) int {
			v, _ := unix.GetsockoptInt(fd, level, option)
			return v
		}
		all = append(all, watched{
			option(unix.SOL_SOCKET, unix.SO_KEEPALIVE), option(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE), option(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL),
			option(unix.IPPROTO_TCP, unix.TCP_KEEPCNT), option(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT),
		})
	}
	return all
}

func portOf(sa unix.Sockaddr) int {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return sa.Port
	case *unix.SockaddrInet6:
		return sa.Port
	}
	return 0
}

// upgrade agrees to whatever is asked for, and says nothing then.
func upgrade(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		return
	}
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		io.Copy(io.Discard, c)
	}
}

// The kernel watches both sides of what each driver serves. Who takes nothing of a
// tunnel may do so for as long as the proxy lets it.
func TestConnectionsAreWatched(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		for _, test := range []struct {
			name    string
			config  func(addrs ...string) *proxyconfig.Config
			field   string
			timeout int
		}{
			{"HTTP", to, "Accept: */*", 60_000},
			{"upgraded", to, "Connection: Upgrade\r\nUpgrade: x", 0},
			{"TCP", func(addrs ...string) *proxyconfig.Config { return below(proxyconfig.TCP, "TCPRoute", addrs...) }, "Accept: */*", 0},
		} {
			_, addr := serve(t, upgrade)
			p := start(t, settings{driver: d}, test.config(addr))
			conn := p.dial()
			conn.send("GET / HTTP/1.1", "Host: a", test.field)
			conn.response("GET")
			want := watched{1, 30, 10, 3, test.timeout}
			for side, got := range map[string][]watched{
				"client":  sockets(t, p.port, true),
				"backend": sockets(t, netip.MustParseAddrPort(addr).Port(), false),
			} {
				if len(got) != 1 || got[0] != want {
					t.Errorf("%s, %s: got %+v, want one of %+v", test.name, side, got, want)
				}
			}
		}
	})
}
