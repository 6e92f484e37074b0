package exchange

import (
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// FuzzForwarded tells any chain of clients to a proxy behind some hops. The
// client is the one that the outermost trusted hop has seen, as far as that is an
// address; a proxy that trusts nobody is told nothing; and what the backend hears
// is one field of each name.
func FuzzForwarded(f *testing.F) {
	f.Add(uint8(0), "203.0.113.9, 198.51.100.7:443", "[2001:db8::1]:5", "https", "shop.example")
	f.Add(uint8(2), "203.0.113.9, unknown", "", "gopher", "")
	f.Add(uint8(9), "::ffff:1.2.3.4, fe80::1%eth0", "1.2.3.4:,", "http", "a, b")
	f.Fuzz(func(t *testing.T, hops uint8, first, second, proto, host string) {
		fields := "X-Forwarded-For: " + first + "\r\nX-Forwarded-Proto: " + proto + "\r\nForwarded: for=" + second +
			"\r\nx-forwarded-for: " + second + "\r\nX-Forwarded-Host: " + host + "\r\n"
		in := "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"
		var r h1.Request
		if n, err := h1.Find([]byte(in), 0); err != nil || n != len(in) || r.Parse([]byte(in)) != nil {
			return
		}
		w := newWorld(1, nil)
		w.loop.opts.TrustedHops = int(hops)
		w.client(in)
		x := w.conn.x
		if x == nil || w.backend() == nil {
			t.Fatalf("%q was refused", in)
		}
		chain := []string{}
		if hops > 0 {
			chain = toldBy(first, second)
		}
		if want := clientOf(chain, int(hops)); x.origin.Addr() != want {
			t.Errorf("the client of %q behind %d hops is %s, want %s", chain, hops, x.origin.Addr(), want)
		}
		checkForwarded(t, string(x.buf[x.message:x.body]), chain, hops > 0 && (proto == "https"))
	})
}

// toldBy lists what two fields tell, white space apart. Empty ones tell nothing.
func toldBy(fields ...string) (items []string) {
	for _, v := range fields {
		for item := range strings.SplitSeq(v, ",") {
			items = append(items, strings.Trim(item, " \t"))
		}
	}
	return items
}

// clientOf goes back by as many hops as are trusted, from the connection's own
// address.
func clientOf(chain []string, hops int) netip.Addr {
	client := netip.MustParseAddr("192.0.2.1")
	for _, item := range slices.Backward(chain) {
		addr, err := netip.ParseAddr(item)
		if withPort, failed := netip.ParseAddrPort(item); err != nil && failed == nil {
			addr, err = withPort.Addr(), nil
		}
		if hops--; err != nil || hops < 0 {
			break
		}
		client = addr.Unmap().WithZone("")
	}
	return client
}

// checkForwarded looks at the head that the backend gets.
func checkForwarded(t *testing.T, head string, chain []string, https bool) {
	var lines []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if name, _, _ := strings.Cut(strings.ToLower(line), ":"); name == "forwarded" {
			t.Errorf("Forwarded travels on in %q", head)
		} else if name == "x-forwarded-for" {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 || !strings.HasSuffix(lines[0], " 192.0.2.1") {
		t.Fatalf("got %q in %q", lines, head)
	}
	if len(chain) == 0 && lines[0] != "X-Forwarded-For: 192.0.2.1" {
		t.Errorf("got %q", lines[0])
	}
	scheme := "http"
	if https {
		scheme = "https"
	}
	if strings.Count(head, "\r\nX-Forwarded-Proto: "+scheme+"\r\n") != 1 || strings.Count(strings.ToLower(head), "\r\nx-forwarded-host:") != 1 {
		t.Errorf("want %s and one host in %q", scheme, head)
	}
}

var grpcTimeout = regexp.MustCompile(`^[0-9]{1,8}[HMSmun]$`)

// FuzzGRPCTimeout compares deadlines with the grammar of gRPC over HTTP/2, and
// with numbers that do not overflow.
func FuzzGRPCTimeout(f *testing.F) {
	for _, v := range []string{"1S", "99999999H", "00000001n", "0u", "100000000S", "+1S", "1 S", "1s", "S", ""} {
		f.Add(v, int64(1))
	}
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond}
	f.Fuzz(func(t *testing.T, v string, start int64) {
		in := "POST / HTTP/1.1\r\nHost: a\r\ngrpc-timeout: " + v + "\r\n\r\n"
		var r h1.Request
		if n, err := h1.Find([]byte(in), 0); err != nil || n != len(in) || r.Parse([]byte(in)) != nil || start < 0 || start > 1<<61 {
			return
		}
		got := grpcDeadline(&r, start)
		v = strings.Trim(v, " \t")
		if !grpcTimeout.MatchString(v) {
			if got != 0 {
				t.Errorf("%q gives a deadline after %v", v, time.Duration(got-start))
			}
			return
		}
		n, _ := new(big.Int).SetString(v[:len(v)-1], 10)
		n.Mul(n, big.NewInt(int64(units[v[len(v)-1]])))
		if most := big.NewInt(int64(maxDeadline)); n.Cmp(most) > 0 {
			n = most
		}
		if want := start + n.Int64(); got != want {
			t.Errorf("%q gives %v, want %v", v, time.Duration(got-start), time.Duration(want-start))
		}
	})
}
