package exchange

import (
	"strings"
	"testing"
)

func TestForwarded(t *testing.T) {
	const told = "X-Forwarded-For: 203.0.113.9, 198.51.100.7:443\r\nx-forwarded-for: [2001:db8::1]:5\r\n" +
		"X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nX_Forwarded_For: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\n"
	for _, tt := range []struct {
		name, in string
		hops     int
		client   string
		want     []string
	}{
		{"nobody is trusted", told, 0, "192.0.2.1:1000", []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: a"}},
		{"one hop", told, 1, "[2001:db8::1]:5", []string{"X-Forwarded-For: 203.0.113.9, 198.51.100.7:443, [2001:db8::1]:5, 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example"}},
		{"two hops", told, 2, "198.51.100.7:443", nil},
		{"more hops than tell", told, 9, "203.0.113.9:0", nil},
		{"a hop that tells nonsense", "X-Forwarded-For: 203.0.113.9, unknown\r\nX-Forwarded-Proto: gopher\r\n", 2, "192.0.2.1:1000", []string{"X-Forwarded-Proto: http"}},
		{"a hop that tells nothing", "", 1, "192.0.2.1:1000", []string{"X-Forwarded-For: 192.0.2.1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(1, nil)
			w.loop.opts.TrustedHops = tt.hops
			w.client("GET / HTTP/1.1\r\nHost: a\r\n" + tt.in + "\r\n")
			x := w.conn.x
			if got := x.origin.String(); got != tt.client {
				t.Errorf("got client %s, want %s", got, tt.client)
			}
			head := string(x.buf[x.message:x.body])
			for _, line := range tt.want {
				if !strings.Contains(head, "\r\n"+line+"\r\n") {
					t.Errorf("no line %q in\n%s", line, head)
				}
			}
			if strings.Contains(head, "10.0.0.1") {
				t.Errorf("another name travels on in\n%s", head)
			}
		})
	}
}
