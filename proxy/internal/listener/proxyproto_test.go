package listener

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestProxyHeaderIsBelievedFromTrustedSources(t *testing.T) {
	const header = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n"
	tests := []struct{ name, trusted, sent, want, client string }{
		{"trusted", "127.0.0.0/8", header + "data", "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\ndata", "192.0.2.1:1234"},
		{"trusted version 2", "127.0.0.0/8", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x01\xbbdata",
			"PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\ndata", "192.0.2.1:1234"},
		{"trusted and unknown", "127.0.0.0/8", "PROXY UNKNOWN\r\ndata", "PROXY TCP4 SELF PORT\r\ndata", "SELF"},
		{"trusted without a header", "127.0.0.0/8", "data", "", ""},
		// A forged header is data behind the proxy's own.
		{"not trusted", "10.0.0.0/8", header, "PROXY TCP4 SELF PORT\r\n" + header, "SELF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := below(proxyconfig.TCP, "TCPRoute", script(t, echo))
			config.Listeners[0].ProxyProtocol = &proxyconfig.AcceptedProxyProtocol{TrustedSources: []string{test.trusted}}
			config.Backends[0].ProxyProtocol = proxyconfig.ProxyV1
			p := start(t, settings{}, config)
			c := p.dial()
			self := netip.MustParseAddrPort(c.LocalAddr().String())
			fill := strings.NewReplacer("SELF PORT", fmt.Sprintf("127.0.0.1 127.0.0.1 %d %d", self.Port(), p.port), "SELF", self.String())
			for i := range test.sent {
				// A connection that is refused may be so before all is sent.
				io.WriteString(c, test.sent[i:i+1])
			}
			c.CloseWrite()
			got, _ := io.ReadAll(c.r)
			if test.want == "" {
				if len(got) > 0 {
					t.Errorf("got %q, want nothing", got)
				}
				return
			}
			if want := fill.Replace(test.want) + " bye"; string(got) != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if d := p.records.await(t, 1)[0]; d.Client.String() != fill.Replace(test.client) {
				t.Errorf("got client %v", d.Client)
			}
		})
	}
}

// Requests, too, come from whom a trusted header names.
func TestProxyHeaderBeforeRequests(t *testing.T) {
	_, addr := serve(t, hello)
	c := to(addr)
	c.Listeners[0].ProxyProtocol = &proxyconfig.AcceptedProxyProtocol{TrustedSources: []string{"127.0.0.1/32"}}
	p := start(t, settings{}, c)
	conn := p.dial()
	conn.sendRaw("PROXY TCP6 2001:db8::1 2001:db8::2 1234 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, body := conn.response("GET"); body != "hello" {
		t.Errorf("got %q", body)
	}
	if d := p.records.await(t, 1)[0]; d.Client.String() != "[2001:db8::1]:1234" {
		t.Errorf("got client %v", d.Client)
	}
}
