package balance

import (
	"net/netip"
	"strings"
	"testing"
)

// stays lists the last digits of the endpoints that n requests of a session get.
func stays(c *Cluster, home string, now int64, n int) string {
	var b strings.Builder
	for range n {
		e, _ := c.Choose(&Request{Now: now, Prefer: netip.AddrPortFrom(netip.MustParseAddr(home), 8080)})
		if e == nil {
			b.WriteByte('-')
			continue
		}
		s := e.Addr.Addr().String()
		b.WriteByte(s[len(s)-1])
	}
	return b.String()
}

func TestSessionsStayAtHome(t *testing.T) {
	tests := []struct{ name, endpoints, home, want string }{
		{"there", "10.0.0.1 10.0.0.2 10.0.0.3", "10.0.0.2", "2222"},
		{"no longer there", "10.0.0.1 10.0.0.3", "10.0.0.2", "3131"},
		{"terminating", "10.0.0.1 10.0.0.2!", "10.0.0.2", "1111"},
		{"all terminating", "10.0.0.1! 10.0.0.2!", "10.0.0.2", "2222"},
		{"none there", "", "10.0.0.2", "----"},
		{"there among many", addresses(200), "10.0.0.7", "7777"},
		{"terminating among many", strings.Replace(addresses(20), "10.0.0.7 ", "10.0.0.7! ", 1), "10.0.0.7", "2345"},
		{"many terminating", strings.ReplaceAll(addresses(20), " ", "! "), "10.0.0.7", "7777"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := apply(t, NewRegistry(Options{}), test.endpoints)
			if got := stays(c, test.home, 0, 4); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestSessionsLeaveAnEjectedHome(t *testing.T) {
	c := apply(t, NewRegistry(Options{}), "10.0.0.1 10.0.0.2")
	home := find(t, c, "10.0.0.2")
	home.Failed(1)
	if got := stays(c, "10.0.0.2", 2, 4); got != "1111" {
		t.Errorf("while it is ejected got %s", got)
	}
	home.Readmit()
	if got := stays(c, "10.0.0.2", 3, 4); got != "2222" {
		t.Errorf("after that got %s", got)
	}
	request := &Request{Now: 4, Prefer: home.Addr, Tried: []*Endpoint{home}}
	if e, _ := c.Choose(request); e == home {
		t.Error("a second attempt goes to the endpoint that had the first")
	}
}
