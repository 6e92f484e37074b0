package http2

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/test/internal/edge"
	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// mapping is what a gRPC client makes of a response without a grpc-status (gRPC's
// doc/http-grpc-status-mapping.md). Statuses that it does not name are UNKNOWN.
var mapping = map[int]codes.Code{
	200: codes.Unknown, 204: codes.Unknown, 302: codes.Unknown,
	400: codes.Internal, 401: codes.Unauthenticated, 403: codes.PermissionDenied, 404: codes.Unimplemented,
	405: codes.Unknown, 409: codes.Unknown, 413: codes.Unknown, 418: codes.Unknown,
	429: codes.Unavailable, 500: codes.Unknown, 501: codes.Unknown,
	502: codes.Unavailable, 503: codes.Unavailable, 504: codes.Unavailable, 599: codes.Unknown,
}

// A backend's answer that knows nothing of gRPC stays what it is, by whatever
// version of HTTP it came: what it means is for the client to say.
func TestGRPCBackendWithoutStatus(t *testing.T) {
	for _, version := range []string{"HTTP1", "HTTP2"} {
		t.Run(version, func(t *testing.T) {
			backend := startStatuses(t, version == "HTTP2")
			proxy := target.Start(t, target.Backend{Address: backend, H2C: version == "HTTP2"})
			eachTransport(t, proxy, func(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
				for code, want := range mapping {
					if got := callStatus(ctx, conn, code); got != want {
						t.Errorf("%d: got %v, want %v", code, got, want)
					}
				}
			})
			if version == "HTTP2" {
				direct := connect(t, backend, insecure.NewCredentials())
				for code, want := range mapping {
					if got := callStatus(t.Context(), direct, code); got != want {
						t.Errorf("%d without a proxy: got %v, want %v", code, got, want)
					}
				}
			}
		})
	}
}

// startStatuses answers "/status/n" with the status n.
func startStatuses(t *testing.T, h2c bool) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		code, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/status/"))
		if err != nil {
			code = http.StatusTeapot
		}
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(code)
		if code != http.StatusNoContent {
			io.WriteString(w, "not gRPC")
		}
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(!h2c)
	s.Config.Protocols.SetUnencryptedHTTP2(h2c)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func callStatus(ctx context.Context, conn *grpc.ClientConn, code int) codes.Code {
	return status.Code(conn.Invoke(ctx, fmt.Sprint("/status/", code), &testgrpc.Empty{}, &testgrpc.Empty{}))
}

// Every status of gRPC comes through as it is, those that do not exist included,
// whether messages came before or it is alone in the response.
func TestGRPCStatusIsTheBackends(t *testing.T) {
	const text = "%25 caf%C3%A9"
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		form, code, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		prefix := ""
		w.Header().Set("Content-Type", "application/grpc")
		if form == "message" {
			prefix = http.TrailerPrefix
			w.Write([]byte{0, 0, 0, 0, 0})
		}
		w.Header().Set(prefix+"Grpc-Status", code)
		w.Header().Set(prefix+"Grpc-Message", text)
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	proxy := target.Start(t, target.Backend{Address: s.Listener.Addr().String(), H2C: true})
	conn := dial(t, proxy)
	stream := uint32(1)
	for _, code := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "999"} {
		for _, form := range []string{"alone", "message"} {
			got := call(t, conn, stream, target.HostA, "/"+form+"/"+code)
			fields := got.Trailers
			if form == "alone" {
				fields = got.Fields
			}
			if wire.Get(fields, "grpc-status") != code || wire.Get(fields, "grpc-message") != text || !got.Complete {
				t.Errorf("%s %s: got %v with %v and trailers %v", form, code, got, got.Fields, got.Trailers)
			}
			stream += 2
		}
	}
}

// call sends a call of one empty message.
func call(t *testing.T, conn *wire.Conn, stream uint32, authority, path string, pairs ...string) wire.Outcome {
	t.Helper()
	pairs = append([]string{"content-type", "application/grpc+proto", "te", "trailers"}, pairs...)
	send(t, conn.Headers(stream, false, wire.Request("POST", authority, path, pairs...)...))
	send(t, conn.Framer.WriteData(stream, true, make([]byte, 5)))
	return conn.Response(stream, grpcPatience)
}

// own is an answer of the proxy's own: status to a client of HTTP, code to one of
// gRPC.
type own struct {
	name     string
	status   int
	code     codes.Code
	backend  func(t *testing.T) string
	rule     proxyconfig.Rule
	deadline string
	// routeless: nothing leads to the backend, which has no endpoints unless there is
	// one.
	routeless bool
	// bare: the rule has no backends.
	bare bool
}

// owns are what the proxy promises: the mapping of gRPC's documentation, but for
// what takes too long, which is DEADLINE_EXCEEDED, since clients send again what
// is UNAVAILABLE, and this may have been acted upon; and for a rule or a backend
// that is not valid, which is UNAVAILABLE (Gateway API, GRPCRouteRule).
var owns = []own{
	{name: "no route", status: 404, code: codes.Unimplemented, routeless: true},
	{name: "rule without backends", status: 500, code: codes.Unavailable, bare: true},
	{name: "no endpoints", status: 503, code: codes.Unavailable},
	{name: "nothing listens", status: 502, code: codes.Unavailable, backend: closedPort},
	{name: "another protocol", status: 502, code: codes.Unavailable, backend: talking("SSH-2.0-x\r\n\r\n")},
	{name: "end of the connection", status: 502, code: codes.Unavailable, backend: talking("")},
	{name: "rule's timeout", status: 504, code: codes.DeadlineExceeded, backend: silentHTTP2,
		rule: proxyconfig.Rule{Timeouts: &proxyconfig.Timeouts{RequestMillis: 100}}},
	{name: "timeout of an attempt", status: 504, code: codes.DeadlineExceeded, backend: silentHTTP2,
		rule: proxyconfig.Rule{Timeouts: &proxyconfig.Timeouts{BackendRequestMillis: 100}}},
	{name: "client's deadline", code: codes.DeadlineExceeded, backend: silentHTTP2, deadline: "100m"},
	{name: "client's deadline before the rule's timeout", code: codes.DeadlineExceeded, backend: silentHTTP2, deadline: "100m",
		rule: proxyconfig.Rule{Timeouts: &proxyconfig.Timeouts{RequestMillis: 60_000}}},
	{name: "reset by NO_ERROR", status: 502, code: codes.Unavailable, backend: resetting(http2.ErrCodeNo)},
	{name: "reset by PROTOCOL_ERROR", status: 502, code: codes.Unavailable, backend: resetting(http2.ErrCodeProtocol)},
	{name: "reset by INTERNAL_ERROR", status: 502, code: codes.Unavailable, backend: resetting(http2.ErrCodeInternal)},
	{name: "reset by REFUSED_STREAM", status: 502, code: codes.Unavailable, backend: resetting(http2.ErrCodeRefusedStream)},
	{name: "reset by CANCEL", status: 502, code: codes.Unavailable, backend: resetting(http2.ErrCodeCancel)},
	{name: "reset by ENHANCE_YOUR_CALM", status: 502, code: codes.Unavailable, backend: resetting(http2.ErrCodeEnhanceYourCalm)},
	{name: "reset by INADEQUATE_SECURITY", status: 502, code: codes.Unavailable, backend: resetting(http2.ErrCodeInadequateSecurity)},
}

func TestGRPCOwnAnswers(t *testing.T) {
	c := ownConfig(t)
	p := edge.Start(t, edge.Options{Config: c})
	for at, o := range owns {
		t.Run(o.name, func(t *testing.T) {
			conn, err := wire.Dial(p.Addr("http"), nil)
			send(t, err)
			t.Cleanup(func() { conn.Close() })
			send(t, conn.Preface())
			var more []string
			if o.deadline != "" {
				more = []string{"grpc-timeout", o.deadline}
			}
			got := call(t, conn, 1, ownHost(at), "/x/y", more...)
			if code := wire.Get(got.Fields, "grpc-status"); got.Status() != "200" || code != strconv.Itoa(int(o.code)) ||
				!got.Complete || len(got.Body)+len(got.Trailers) > 0 || wire.Get(got.Fields, "content-type") != "application/grpc" {
				t.Errorf("gRPC: got %v with %v, want grpc-status %d in the only head", got, got.Fields, o.code)
			}
			if o.status == 0 {
				return
			}
			for i, kind := range []string{"application/json", "application/grpc-web", "application/grpcx"} {
				stream := uint32(3 + 2*i)
				send(t, conn.Headers(stream, true, wire.Request("POST", ownHost(at), "/x/y", "content-type", kind)...))
				got := conn.Response(stream, grpcPatience)
				if got.Status() != strconv.Itoa(o.status) || wire.Get(got.Fields, "grpc-status") != "" {
					t.Errorf("%s: got %v with %v, want status %d", kind, got, got.Fields, o.status)
				}
			}
		})
	}
}

func ownHost(i int) string { return fmt.Sprintf("own-%d.example", i) }

// ownConfig has a route and a backend for each of owns.
func ownConfig(t *testing.T) *proxyconfig.Config {
	t.Helper()
	all := edge.To("127.0.0.1:1")
	backend, route := all.Backends[0], all.Routes[0]
	all.Backends, all.Routes = nil, nil
	for i, o := range owns {
		b, r := backend, route
		b.ID, b.Service, b.Protocol, b.Endpoints = fmt.Sprintf("edge/own-%d:80", i), fmt.Sprint("own-", i), proxyconfig.BackendHTTP2, nil
		if o.backend != nil {
			b.Endpoints = edge.To(o.backend(t)).Backends[0].Endpoints
		}
		rule := o.rule
		if !o.bare {
			rule.Backends = []proxyconfig.BackendRef{{Backend: b.ID, Weight: 1}}
		}
		r.Name, r.Rules = b.Service, []proxyconfig.Rule{rule}
		r.Attachments = []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{ownHost(i)}}}
		all.Backends = append(all.Backends, b)
		if !o.routeless {
			all.Routes = append(all.Routes, r)
		}
	}
	return all
}

// serveConnections has a function serve each connection, and closes it then.
func serveConnections(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

// talking says something of its own, whatever it is asked, and ends.
func talking(text string) func(*testing.T) string {
	return func(t *testing.T) string {
		return serveConnections(t, func(c net.Conn) { io.WriteString(c, text) })
	}
}

// silentHTTP2 takes requests by HTTP/2 and answers none.
func silentHTTP2(t *testing.T) string { return serveHTTP2(t, func(*wire.Conn, uint32) {}) }

// resetting answers them by a reset.
func resetting(code http2.ErrCode) func(*testing.T) string {
	return func(t *testing.T) string {
		return serveHTTP2(t, func(c *wire.Conn, stream uint32) { c.Framer.WriteRSTStream(stream, code) })
	}
}

// serveHTTP2 calls a function for each request's head.
func serveHTTP2(t *testing.T, answer func(c *wire.Conn, stream uint32)) string {
	return serveConnections(t, func(raw net.Conn) {
		if _, err := io.ReadFull(raw, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		c := wire.New(raw)
		c.Framer.WriteSettings()
		for c.Flush() == nil {
			frame, err := c.Next()
			if err != nil {
				return
			}
			if f, ok := frame.(*http2.HeadersFrame); ok {
				answer(c, f.StreamID)
			}
		}
	})
}

// A deadline that passes within a response cuts it visibly: there may be half a
// message on its way.
func TestGRPCDeadlineWithinAResponse(t *testing.T) {
	begun := serveHTTP2(t, func(c *wire.Conn, stream uint32) {
		c.Headers(stream, false, wire.Fields(":status", "200", "content-type", "application/grpc")...)
		c.Framer.WriteData(stream, false, []byte{0, 0, 0, 0, 9, 'x'})
	})
	conn := dial(t, target.Start(t, target.Backend{Address: begun, H2C: true}))
	for i, deadline := range []string{"100m", "1S", "9S"} {
		got := call(t, conn, uint32(1+2*i), target.HostA, "/x/y", "grpc-timeout", deadline)
		if got.Complete && wire.Get(got.Fields, "grpc-status") == "4" {
			// It passed before the response on a machine that is that busy.
			continue
		}
		if got.Status() != "200" || got.Reset == nil || len(got.Body) == 0 {
			t.Errorf("got %v, want a 200 that is cut", got)
		}
		return
	}
	t.Error("no deadline passed within a response")
}
