package proxyproto

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// v2 makes a header of version 2: command, family and what follows.
func v2(command, family byte, rest string) string {
	return signature + string([]byte{command, family, byte(len(rest) >> 8), byte(len(rest))}) + rest
}

const (
	four = "\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x01\xbb"
	six  = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x04\xd2\x01\xbb"
	mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x02\x04\xd2\x01\xbb"
)

// vectors are whole headers, and what they say.
var vectors = []struct{ name, header, want string }{
	{"v1 IPv4", "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n", "192.0.2.1:1234 192.0.2.2:443"},
	{"v1 IPv6", "PROXY TCP6 2001:db8::1 2001:db8::2 1234 443\r\n", "[2001:db8::1]:1234 [2001:db8::2]:443"},
	{"v1 longest", "PROXY TCP6 " + strings.Repeat("ffff:", 7) + "ffff " + strings.Repeat("ffff:", 7) + "ffff 65535 65535\r\n",
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{"v1 IPv4 in IPv6", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n", "192.0.2.1:1 192.0.2.2:2"},
	{"v1 port zero", "PROXY TCP4 192.0.2.1 192.0.2.2 0 0\r\n", "192.0.2.1:0 192.0.2.2:0"},
	{"v1 unknown", "PROXY UNKNOWN\r\n", "none"},
	{"v1 unknown with more", "PROXY UNKNOWN ffff::1 x y z\r\n", "none"},
	{"v1 longest unknown", "PROXY UNKNOWN " + strings.Repeat("x", 91) + "\r\n", "none"},
	{"v2 IPv4", v2(0x21, 0x11, four), "192.0.2.1:1234 192.0.2.2:443"},
	{"v2 IPv4 datagram", v2(0x21, 0x12, four), "192.0.2.1:1234 192.0.2.2:443"},
	{"v2 IPv6", v2(0x21, 0x21, six), "[2001:db8::1]:1234 [2001:db8::2]:443"},
	{"v2 IPv4 in IPv6", v2(0x21, 0x21, mapped), "192.0.2.1:1234 192.0.2.2:443"},
	{"v2 with TLVs", v2(0x21, 0x11, four+"\x04\x00\x03abc\x20\xff"), "192.0.2.1:1234 192.0.2.2:443"},
	{"v2 Unix", v2(0x21, 0x31, strings.Repeat("/", 216)), "none"},
	{"v2 unspecified", v2(0x21, 0x00, "whatever"), "none"},
	{"v2 local", v2(0x20, 0x00, ""), "none"},
	{"v2 local with addresses", v2(0x20, 0x11, four), "none"},
	{"v2 local of an unknown family", v2(0x20, 0xff, "x"), "none"},
	{"v2 longest", v2(0x21, 0x11, four+strings.Repeat("x", MaxHeader-fixedV2-12)), "192.0.2.1:1234 192.0.2.2:443"},
}

func say(h Header) string {
	if !h.known() {
		return "none"
	}
	return h.Source.String() + " " + h.Destination.String()
}

func TestParse(t *testing.T) {
	for _, test := range vectors {
		t.Run(test.name, func(t *testing.T) {
			for n := range len(test.header) {
				if _, _, err := Parse([]byte(test.header[:n])); !errors.Is(err, ErrIncomplete) {
					t.Fatalf("of %d bytes: got %v, want ErrIncomplete", n, err)
				}
			}
			h, n, err := Parse([]byte(test.header + "data\r\n"))
			if err != nil || n != len(test.header) || say(h) != test.want {
				t.Errorf("got %s, %d bytes, %v; want %s, %d bytes", say(h), n, err, test.want, len(test.header))
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, header string
		want         error
	}{
		{"a request", "GET / HTTP/1.1\r\n", ErrMalformed},
		{"a hello", "\x16\x03\x01", ErrMalformed},
		{"lower case", "proxy ", ErrMalformed},
		{"no family", "PROXY \r\n", ErrMalformed},
		{"another family", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", ErrMalformed},
		{"family of the other version", "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", ErrMalformed},
		{"family of the other version again", "PROXY TCP4 ::1 ::2 1 2\r\n", ErrMalformed},
		{"two spaces", "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", ErrMalformed},
		{"space at the end", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", ErrMalformed},
		{"one field missing", "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", ErrMalformed},
		{"line feed alone", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", ErrMalformed},
		{"line feed before the end", "PROXY UNKNOWN x\nx\r\n", ErrMalformed},
		{"carriage return alone", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx", ErrMalformed},
		{"leading zero", "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", ErrMalformed},
		{"leading zero of a port", "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", ErrMalformed},
		{"port with a sign", "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", ErrMalformed},
		{"port too great", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", ErrMalformed},
		{"zone", "PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n", ErrMalformed},
		{"108 bytes", "PROXY UNKNOWN " + strings.Repeat("x", 92) + "\r\n", ErrMalformed},
		{"no end in sight", "PROXY UNKNOWN " + strings.Repeat("x", 93), ErrMalformed},
		{"signature that differs", "\r\n\r\n\x00\r\nQUIT\r", ErrMalformed},
		{"version 1 in binary", v2(0x11, 0x11, four), ErrMalformed},
		{"another command", v2(0x22, 0x11, four), ErrMalformed},
		{"another address family", v2(0x21, 0x41, four), ErrMalformed},
		{"another transport", v2(0x21, 0x13, four), ErrMalformed},
		{"family without transport", v2(0x21, 0x10, four), ErrMalformed},
		{"transport without family", v2(0x21, 0x01, four), ErrMalformed},
		{"addresses cut short", v2(0x21, 0x21, four), ErrMalformed},
		{"too long", v2(0x21, 0x11, strings.Repeat("x", MaxHeader-fixedV2+1)), ErrTooLong},
		{"too long and local", v2(0x20, 0x00, strings.Repeat("x", MaxHeader-fixedV2+1)), ErrTooLong},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if h, n, err := Parse([]byte(test.header)); !errors.Is(err, test.want) || n != 0 || h.known() {
				t.Errorf("got %s, %d bytes, %v; want %v", say(h), n, err, test.want)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	tests := []struct{ name, source, destination, v1 string }{
		{"IPv4", "192.0.2.1:1234", "192.0.2.2:443", "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n"},
		{"IPv6", "[2001:db8::1]:1234", "[2001:db8::2]:443", "PROXY TCP6 2001:db8::1 2001:db8::2 1234 443\r\n"},
		{"zone", "[fe80::1%lo]:1", "[fe80::2]:2", "PROXY TCP6 fe80::1 fe80::2 1 2\r\n"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:1", "192.0.2.2:2", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"},
		{"two families", "192.0.2.1:1", "[2001:db8::2]:2", "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src, dst := netip.MustParseAddrPort(test.source), netip.MustParseAddrPort(test.destination)
			v1 := AppendV1([]byte("x"), src, dst)
			if got := string(v1[1:]); got != test.v1 {
				t.Errorf("got %q, want %q", got, test.v1)
			}
			first, _, err := Parse(v1[1:])
			if err != nil {
				t.Fatal(err)
			}
			second, _, err := Parse(AppendV2(nil, src, dst))
			if err != nil || say(first) != say(second) {
				t.Errorf("version 2 says %s, %v; version 1 %s", say(second), err, say(first))
			}
		})
	}
	var none netip.AddrPort
	if got := string(AppendV1(nil, none, none)); got != "PROXY UNKNOWN\r\n" {
		t.Errorf("got %q of no address", got)
	}
	if got := AppendV2(nil, none, none); !bytes.Equal(got, []byte(v2(0x20, 0, ""))) {
		t.Errorf("got %q of no address", got)
	}
}

// FuzzParse checks that a header ends where it says, that a part of one is
// never taken for a whole one or refused, and that both encodings say the same.
func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add([]byte(v.header + "data"))
	}
	f.Add([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := Parse(b)
		if err != nil {
			if n != 0 || h.known() {
				t.Fatalf("%v beside a result", err)
			}
			return
		}
		if n > len(b) || n > MaxHeader {
			t.Fatalf("%d bytes of %d", n, len(b))
		}
		for _, part := range []int{0, 1, n / 2, n - 1} {
			if _, _, err := Parse(b[:part]); !errors.Is(err, ErrIncomplete) {
				t.Fatalf("%d of %d bytes: %v", part, n, err)
			}
		}
		for _, again := range [][]byte{AppendV1(nil, h.Source, h.Destination), AppendV2(nil, h.Source, h.Destination)} {
			if g, _, err := Parse(again); err != nil || g != h {
				t.Fatalf("%q says %s, %v; want %s", again, say(g), err, say(h))
			}
		}
	})
}
