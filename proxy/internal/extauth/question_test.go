package extauth

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

func request(t testing.TB, head ...string) *h1.Request {
	r := &h1.Request{}
	if err := r.Parse([]byte(strings.Join(head, "\r\n") + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAppendHead(t *testing.T) {
	head := []string{"PUT /a/../b//c?d HTTP/1.1", "Host: Shop.example:81", "authorization: token", "X-A: 1", "X-B: 2", "x-a: 3",
		"Expect: 100-continue", "Content-Length: 5", "Connection: X-B, upgrade", "Upgrade: x", "X-Forwarded-For: 1.2.3.4", "TE: trailers"}
	tests := []struct {
		name  string
		shown []string
		want  string
	}{
		{"what always is", nil, "authorization=token"},
		{"what is listed", []string{"X-A"}, "authorization=token X-A=1 x-a=3"},
		{"nothing of the connection", []string{"X-B", "Connection", "Upgrade", "TE", "Content-Length", "Expect", "Host", "X-Forwarded-For"}, "authorization=token"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := string(AppendHead(nil, asked(test.shown, nil), request(t, head...)))
			line, rest, _ := strings.Cut(got, "\r\nHost: shop.example:81\r\n")
			if line != "PUT /check/b/c?d HTTP/1.1" || text([]byte(rest)) != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// dump writes a message as its paths of field numbers and what stands there. Paths
// in nested are of messages.
func dump(t *testing.T, prefix string, message []byte, nested []string) (out []string) {
	r := reader{rest: message}
	for r.next() {
		path := strings.TrimPrefix(fmt.Sprintf("%s.%d", prefix, r.field), ".")
		switch {
		case slices.Contains(nested, path):
			out = append(out, dump(t, path, r.bytes, nested)...)
		case r.bytes != nil:
			out = append(out, fmt.Sprintf("%s %s", path, r.bytes))
		default:
			out = append(out, fmt.Sprintf("%s %d", path, int64(r.number)))
		}
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	return out
}

func TestAppendCheck(t *testing.T) {
	shows := func(names ...string) *proxyconfig.ExternalAuth {
		return &proxyconfig.ExternalAuth{Protocol: proxyconfig.AuthGRPC, RequestHeaders: names}
	}
	common := []string{
		"1.1.1.1.2 192.0.2.1", "1.1.1.1.3 1000",
		"1.4.1.1 1700000000", "1.4.1.2 5",
		"1.4.2.1 id", "1.4.2.2 POST",
	}
	tests := []struct {
		name   string
		filter *proxyconfig.ExternalAuth
		size   int64
		body   string
		want   []string
	}{
		{"all headers", shows(), -1, "", []string{
			"1.4.2.3.1 authorization", "1.4.2.3.2 token", "1.4.2.3.1 x-a", "1.4.2.3.2 1,3\ufffd",
			"1.4.2.3.1 x-forwarded-for", "1.4.2.3.2 192.0.2.1",
			"1.4.2.3.1 :method", "1.4.2.3.2 POST", "1.4.2.3.1 :path", "1.4.2.3.2 /b?c", "1.4.2.3.1 :authority", "1.4.2.3.2 shop", "1.4.2.3.1 :scheme", "1.4.2.3.2 https",
			"1.4.2.4 /b?c", "1.4.2.5 shop", "1.4.2.6 https", "1.4.2.10 HTTP/1.1", "1.4.2.9 -1", "1.12.1 sni",
		}},
		{"the listed ones", shows("X-A"), 3, "abc", []string{
			"1.4.2.3.1 x-a", "1.4.2.3.2 1,3\ufffd", "1.4.2.3.1 x-forwarded-for", "1.4.2.3.2 192.0.2.1",
			"1.4.2.4 /b?c", "1.4.2.5 shop", "1.4.2.6 https", "1.4.2.10 HTTP/1.1", "1.4.2.9 3", "1.4.2.11 abc", "1.12.1 sni",
		}},
		{"a body that is no text", shows("X-B"), 1, "\xff", []string{
			"1.4.2.3.1 x-forwarded-for", "1.4.2.3.2 192.0.2.1",
			"1.4.2.4 /b?c", "1.4.2.5 shop", "1.4.2.6 https", "1.4.2.10 HTTP/1.1", "1.4.2.9 1", "1.4.2.12 \xff", "1.12.1 sni",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := compiled(test.filter)
			r := request(t, "POST /b?c HTTP/1.1", "Host: shop", "Authorization: token", "X-A: 1", "Expect: 100-continue", "x-a: 3\xff", "Connection: x-b", "X-B: 1")
			attributes := AppendAttributes(nil, a, r, []byte("id"), "https", "HTTP/1.1", lines("X-Forwarded-For=192.0.2.1"))
			facts := &Facts{Client: netip.MustParseAddrPort("192.0.2.1:1000"), Time: time.Unix(1700000000, 5), ServerName: []byte("sni")}
			message := AppendCheck([]byte("before"), attributes, facts, test.size, []byte(test.body))[len("before"):]
			if n := len(message) - 5; string(message[:5]) != string([]byte{0, 0, 0, byte(n >> 8), byte(n)}) {
				t.Fatalf("got the frame %v of %d bytes", message[:5], n)
			}
			got := dump(t, "", message[5:], []string{"1", "1.1", "1.1.1", "1.1.1.1", "1.4", "1.4.1", "1.4.2", "1.4.2.3", "1.12"})
			if want := slices.Concat(common, test.want); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
