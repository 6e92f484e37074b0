package exchange

import (
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// full is what the client was sent, in the order of its lines.
func (w *world) full() string {
	out := w.fake.client.sent.String()
	w.fake.client.sent.Reset()
	return out
}

func newSharingWorld() *world {
	return newWorldOf(1, proxyconfig.Rule{Filters: []proxyconfig.Filter{{
		Type: proxyconfig.FilterCORS,
		CORS: &proxyconfig.CORS{AllowOrigins: []string{"https://shop.example"}, AllowMethods: []string{"PUT"}, MaxAgeSeconds: 60},
	}}})
}

// A preflight never reaches a backend.
func TestPreflight(t *testing.T) {
	w := newSharingWorld()
	w.client("OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n")
	const want = "HTTP/1.1 204 No Content\r\nVary: Origin\r\nAccess-Control-Allow-Origin: https://shop.example\r\n" +
		"Access-Control-Allow-Methods: PUT\r\nAccess-Control-Max-Age: 60\r\n\r\n"
	if got := w.full(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(w.fake.dialed) != 0 {
		t.Error("a backend was asked")
	}
}

// What the backend says of other origins gives way to the filter.
func TestResponsesAreShared(t *testing.T) {
	w := newSharingWorld()
	w.client("GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\n\r\n")
	w.connected()
	w.upstream("HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nX: y\r\nContent-Length: 0\r\n\r\n")
	got := w.full()
	if strings.Contains(got, "Allow-Origin: *") || !strings.Contains(got, "Access-Control-Allow-Origin: https://shop.example\r\n") || !strings.Contains(got, "X: y\r\n") {
		t.Errorf("got %q", got)
	}
}
