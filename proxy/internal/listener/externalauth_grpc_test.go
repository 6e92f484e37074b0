package listener

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// The answers of the server below, as Envoy's own bindings write them.
const (
	// checkAllowed sets x-user to alice, removes x-gone and the parameter token,
	// and adds x-seen to the response.
	checkAllowed = "\n\x00\x1a1\x12\x11\n\x0f\n\x06x-user\x12\x05alice*\x06x-gone2\r\n\v\n\x06x-seen\x12\x011B\x05token"
	// checkDenied is a 401 with a challenge and a body.
	checkDenied = "\n\x06\b\x10\x12\x02no\x120\n\x03\b\x91\x03\x12\x1b\n\x19\n\x10www-authenticate\x12\x05Basic\x1a\fwho are you?"
)

// checkActions says of the response what becomes of fields that are there: x-set
// replaces them, x-add does not, x-absent does neither, x-present does.
const checkActions = "\n\x00\x1a\x4d" +
	"2\x10\n\f\n\x05x-set\x12\x03new\x12\x00" +
	"2\x0e\n\f\n\x05x-add\x12\x03new" +
	"2\x13\n\x0f\n\bx-absent\x12\x03new\x18\x01" +
	"2\x14\n\x10\n\tx-present\x12\x03new\x18\x03"

// checkBroad denies with a header that no head has room for.
func checkBroad() string {
	field := func(tag, value string) string {
		return tag + string(binary.AppendUvarint(nil, uint64(len(value)))) + value
	}
	header := field("\n", "a") + field("\x12", strings.Repeat("a", 65_400))
	return field("\x12", field("\x12", field("\n", header)))
}

// serveCalls starts a server of gRPC, which answers a message with another one and
// a status.
func serveCalls(t *testing.T, f func(r *http.Request, message string) (answer, status string)) string {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		frame, _ := io.ReadAll(r.Body)
		if r.ProtoMajor != 2 || r.URL.Path != "/envoy.service.auth.v3.Authorization/Check" || r.Header.Get("Te") != "trailers" || len(frame) < 5 {
			t.Errorf("got %s %s %v", r.Proto, r.URL, r.Header)
			return
		}
		answer, status := f(r, string(frame[5:]))
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		if status == "0" {
			io.WriteString(w, string(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(answer))))+answer)
		}
		w.Header().Set("Grpc-Status", status)
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func guardedByCalls(auth, backend string, filter proxyconfig.ExternalAuth) *proxyconfig.Config {
	c := guarded(auth, backend, filter)
	c.Backends[0].Protocol = proxyconfig.BackendHTTP2
	a := c.Routes[0].Rules[0].Filters[0].ExternalAuth
	a.Protocol, a.Authority = proxyconfig.AuthGRPC, "auth.ns:9000"
	return c
}

func TestExternalAuthByGRPC(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		auth := serveCalls(t, func(r *http.Request, message string) (answer, status string) {
			if r.Host != "auth.ns:9000" || !strings.Contains(message, "x-other") || !strings.Contains(message, "payload") {
				t.Errorf("%s was asked %q", r.Host, message)
			}
			switch {
			case strings.Contains(message, "/no"):
				return checkDenied, "0"
			case strings.Contains(message, "/error"):
				return "", "14"
			case strings.Contains(message, "/odd"):
				return "\xff", "0"
			case strings.Contains(message, "/broad"):
				return checkBroad(), "0"
			case strings.Contains(message, "/long"):
				return strings.Repeat("a", 1<<20), "0"
			}
			return checkAllowed, "0"
		})
		backend, served := counted(t)
		p := start(t, settings{driver: d}, guardedByCalls(auth, backend, proxyconfig.ExternalAuth{MaxBodyBytes: 100}))
		tests := []struct {
			path   string
			status int
			body   string
		}{
			{"/yes?token=1&a=b", 200, "POST /yes?a=b user=alice groups= expect= body=payload"},
			{"/no", 401, "who are you?"},
			{"/error", 502, "Bad Gateway\n"},
			{"/odd", 502, "Bad Gateway\n"},
			{"/broad", 502, "Bad Gateway\n"},
			{"/long", 502, "Bad Gateway\n"},
			{"/yes", 200, "POST /yes user=alice groups= expect= body=payload"},
		}
		for _, c := range []*http.Client{client(t), http2Client(t)} {
			for _, test := range tests {
				r, _ := http.NewRequest("POST", p.url(test.path), strings.NewReader("payload"))
				r.Header.Set("X-User", "mallory")
				r.Header.Set("X-Gone", "1")
				r.Header.Set("X-Other", "1")
				resp, body := do(t, c, r)
				if resp.StatusCode != test.status || body != test.body {
					t.Errorf("%s: got %d %q, want %d %q", test.path, resp.StatusCode, body, test.status, test.body)
				}
				if seen := resp.Header.Get("X-Seen") != ""; seen != (test.status == 200) {
					t.Errorf("%s: got fields %v", test.path, resp.Header)
				}
			}
		}
		if n := served.Load(); n != 4 {
			t.Errorf("the backend served %d requests, want 4", n)
		}
	})
}

// A gRPC client understands a denial.
func TestExternalAuthOfCalls(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		auth := serveCalls(t, func(*http.Request, string) (string, string) { return checkDenied, "0" })
		backend, served := counted(t)
		p := start(t, settings{driver: d}, guardedByCalls(auth, backend, proxyconfig.ExternalAuth{}))
		r, _ := http.NewRequest("POST", p.url("/Service/Method"), strings.NewReader("\x00\x00\x00\x00\x00"))
		r.Header.Set("Content-Type", "application/grpc")
		resp, _ := do(t, http2Client(t), r)
		if got := resp.Header.Get("Grpc-Status"); resp.StatusCode != 200 || got != "16" {
			t.Errorf("got %d with gRPC status %q, want UNAUTHENTICATED", resp.StatusCode, got)
		}
		if served.Load() != 0 {
			t.Error("the backend was called")
		}
	})
}

// The server says which fields of the response it replaces, and its word reaches
// the client whether a backend answers or the proxy itself.
func TestExternalAuthChangesResponses(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		auth := serveCalls(t, func(*http.Request, string) (string, string) { return checkActions, "0" })
		_, backend := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for _, name := range []string{"X-Set", "X-Add", "X-Absent", "X-Present"} {
				if r.URL.Path == "/all" {
					w.Header().Set(name, "old")
				}
			}
			if r.URL.Path == "/gone" {
				panic(http.ErrAbortHandler)
			}
		})
		p := start(t, settings{driver: d}, guardedByCalls(auth, backend, proxyconfig.ExternalAuth{}))
		for _, c := range []*http.Client{client(t), http2Client(t)} {
			for path, want := range map[string]string{
				"/all":  "200 [new] [old new] [old] [new]",
				"/none": "200 [new] [new] [new] []",
				"/gone": "502 [new] [new] [new] []",
			} {
				resp, _ := fetch(t, c, "POST", p.url(path), nil)
				h := resp.Header
				got := fmt.Sprint(resp.StatusCode, " ", h["X-Set"], h["X-Add"], h["X-Absent"], h["X-Present"])
				if got != want {
					t.Errorf("%s: got %s, want %s", path, got, want)
				}
			}
		}
	})
}

// What the server of a listener says of the response holds though the rule asks
// another one, and though the answer is the proxy's own.
func TestExternalAuthOfAListenerChangesResponses(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		auth := serveCalls(t, func(*http.Request, string) (string, string) { return checkActions, "0" })
		_, nothing := serve(t, func(http.ResponseWriter, *http.Request) {})
		c := guardedByCalls(auth, nothing, proxyconfig.ExternalAuth{})
		c.Listeners[0].Filters = &proxyconfig.ListenerFilters{Requests: c.Routes[0].Rules[0].Filters}
		c.Backends = append([]proxyconfig.Backend{backendAt("also", nothing)}, c.Backends...)
		c.Routes[0].Rules[0].Filters = []proxyconfig.Filter{{
			Type: proxyconfig.FilterExternalAuth, ExternalAuth: &proxyconfig.ExternalAuth{Protocol: proxyconfig.AuthHTTP, Backend: backendID("also")},
		}}
		c.Routes[0].Attachments[0].Hostnames = []string{"proxy"}
		p := start(t, settings{driver: d}, c)
		for host, want := range map[string]string{"proxy": "200 [new] [new]", "other": "404 [new] [new]"} {
			r, _ := http.NewRequest("GET", p.url("/"), nil)
			r.Host = host
			resp, _ := do(t, client(t), r)
			if got := fmt.Sprint(resp.StatusCode, " ", resp.Header["X-Set"], resp.Header["X-Add"]); got != want {
				t.Errorf("%s: got %s, want %s", host, got, want)
			}
		}
	})
}
