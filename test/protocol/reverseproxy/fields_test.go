package reverseproxy

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestReverseProxy(t *testing.T) {
	seen := make(chan *http.Request, 1)
	addr := front(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		h := w.Header()
		h.Set("Trailers", "not a special field name")
		h.Set("Trailer", "X-Trailer")
		h.Set("X-Foo", "bar")
		h.Set("Upgrade", "foo")
		h.Add("X-Multi", "1")
		h.Add("X-Multi", "2")
		http.SetCookie(w, &http.Cookie{Name: "flavor", Value: "chocolateChip"})
		w.WriteHeader(http.StatusTeapot)
		w.Write([]byte("hi"))
		h.Set("X-Trailer", "value")
	})
	r := request(t, "GET", addr, "/", nil)
	r.Host = "some-name"
	r.Header.Set("Proxy-Connection", "gone")
	r.Header.Set("Upgrade", "foo")
	r.Header["X-Multi"] = []string{"a", "b"}
	answer, body := do(t, r)
	got := within(t, "request", seen)
	if got.Host != "some-name" || got.Header.Get("X-Forwarded-For") != "127.0.0.1" || got.Header.Get("Proxy-Connection")+got.Header.Get("Upgrade")+got.Header.Get("Connection") != "" || !slices.Equal(got.Header["X-Multi"], []string{"a", "b"}) {
		t.Errorf("the backend got %s, %v", got.Host, got.Header)
	}
	h := answer.Header
	if answer.StatusCode != http.StatusTeapot || body != "hi" || h.Get("X-Foo") != "bar" || h.Get("Trailers") == "" || h.Get("Upgrade") != "" || !slices.Equal(h["X-Multi"], []string{"1", "2"}) {
		t.Errorf("got %d %q %v", answer.StatusCode, body, h)
	}
	if len(answer.Cookies()) != 1 || answer.Cookies()[0].Value != "chocolateChip" || answer.Trailer.Get("X-Trailer") != "value" {
		t.Errorf("cookies %v, trailer %v", answer.Cookies(), answer.Trailer)
	}
}

func TestReverseProxyStripHeadersPresentInConnection(t *testing.T) {
	seen := make(chan http.Header, 1)
	addr := front(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		w.Header().Add("Connection", "X-Some, upgrade")
		w.Header().Add("Connection", "X-Other")
		w.Header().Set("X-Some", "gone")
		w.Header().Set("X-Other", "gone")
		w.Header().Set("X-Kept", "kept")
	})
	r := request(t, "GET", addr, "/", nil)
	r.Header["Connection"] = []string{"x-some, upgrade", "X-OTHER"}
	r.Header.Set("X-Some", "gone")
	r.Header.Set("X-Other", "gone")
	r.Header.Set("X-Kept", "kept")
	answer, _ := do(t, r)
	for side, h := range map[string]http.Header{"backend": within(t, "request", seen), "client": answer.Header} {
		if h.Get("X-Some")+h.Get("X-Other") != "" || h.Get("X-Kept") != "kept" {
			t.Errorf("the %s got %v", side, h)
		}
	}
}

func TestReverseProxyStripEmptyConnection(t *testing.T) {
	seen := make(chan http.Header, 1)
	addr := front(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		w.Header().Add("Connection", "")
		w.Header().Set("X-Kept", "kept")
	})
	c := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection:\r\nX-Kept: kept\r\n\r\n")
	answer := c.answer(t, "GET")
	for side, h := range map[string]http.Header{"backend": within(t, "request", seen), "client": answer.Header} {
		if _, has := h["Connection"]; has || h.Get("X-Kept") != "kept" {
			t.Errorf("the %s got %v", side, h)
		}
	}
}

// ReverseProxy adds to what the client says; ours replaces it, as no client is
// trusted by default.
func TestXForwardedFor(t *testing.T) {
	seen := make(chan http.Header, 1)
	addr := front(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	r := request(t, "GET", addr, "/", nil)
	r.Header.Set("X-Forwarded-For", "1.2.3.4")
	do(t, r)
	if got := within(t, "request", seen)["X-Forwarded-For"]; !slices.Equal(got, []string{"127.0.0.1"}) {
		t.Errorf("got %q", got)
	}
}

func TestReverseProxyRewriteStripsForwarded(t *testing.T) {
	seen := make(chan http.Header, 1)
	addr := front(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	r := request(t, "GET", addr, "/", nil)
	r.Host = "some-name"
	r.Header.Set("Forwarded", "for=1.2.3.4")
	r.Header.Set("X-Forwarded-Host", "other")
	r.Header.Set("X-Forwarded-Proto", "https")
	do(t, r)
	got := within(t, "request", seen)
	if got.Get("Forwarded") != "" || got.Get("X-Forwarded-Host") != "some-name" || got.Get("X-Forwarded-Proto") != "http" {
		t.Errorf("got %v", got)
	}
}

func TestUserAgentHeader(t *testing.T) {
	seen := make(chan http.Header, 1)
	addr := front(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	for _, line := range []string{"", "User-Agent: explicit\r\n"} {
		c := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n"+line+"\r\n")
		c.answer(t, "GET")
		want := strings.TrimPrefix(strings.TrimSpace(line), "User-Agent: ")
		if got := within(t, "request", seen); got.Get("User-Agent") != want {
			t.Errorf("%q: got %q", line, got.Get("User-Agent"))
		}
	}
}

func TestReverseProxyModifyResponse(t *testing.T) {
	addr := front(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Hit-Mod", "false") },
		filters(proxyconfig.Filter{Type: proxyconfig.FilterResponseHeaders, Headers: &proxyconfig.HeaderEdits{Set: []proxyconfig.Header{{Name: "X-Hit-Mod", Value: "true"}}}}))
	answer, _ := do(t, request(t, "GET", addr, "/", nil))
	if got := answer.Header["X-Hit-Mod"]; !slices.Equal(got, []string{"true"}) {
		t.Errorf("got %q", got)
	}
}

// addOne adds a field to each request, which must not pile up.
var addOne = filters(proxyconfig.Filter{Type: proxyconfig.FilterRequestHeaders, Headers: &proxyconfig.HeaderEdits{Add: []proxyconfig.Header{{Name: "X-Added", Value: "1"}}}})

// The edits of one request are not those of the next.
func TestServeHTTPDeepCopy(t *testing.T) {
	seen := make(chan http.Header, 1)
	addr := front(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }, addOne)
	for range 3 {
		do(t, request(t, "GET", addr, "/", nil))
		if got := within(t, "request", seen)["X-Added"]; !slices.Equal(got, []string{"1"}) {
			t.Errorf("got %q", got)
		}
	}
}

// The fields of one request do not show in the next on the same connections.
func TestClonesRequestHeaders(t *testing.T) {
	seen := make(chan http.Header, 1)
	addr := front(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }, addOne)
	c := dial(t, addr, "")
	for _, line := range []string{"X-First: 1\r\n", "X-Second: 2\r\n"} {
		c.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n"))
		c.answer(t, "GET")
		got := within(t, "request", seen)
		if first := line[2] == 'F'; (got.Get("X-First") != "") != first || (got.Get("X-Second") != "") == first {
			t.Errorf("%q: got %v", line, got)
		}
	}
}
