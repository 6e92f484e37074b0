package http2

import (
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// waiting answers no call before its context has ended, and reports how the
// context came and went.
type waiting struct {
	testgrpc.UnimplementedTestServiceServer
	calls chan context.Context
}

func (w waiting) EmptyCall(ctx context.Context, _ *testgrpc.Empty) (*testgrpc.Empty, error) {
	w.calls <- ctx
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

func startWaiting(t *testing.T) (*target.Proxy, chan context.Context) {
	t.Helper()
	calls := make(chan context.Context, 1)
	return target.Start(t, target.Backend{Address: serveGRPC(t, waiting{calls: calls}), H2C: true}), calls
}

func TestGRPCDeadlineReachesTheBackend(t *testing.T) {
	proxy, calls := startWaiting(t)
	eachTransport(t, proxy, func(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
		ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		_, err := testgrpc.NewTestServiceClient(conn).EmptyCall(ctx, &testgrpc.Empty{})
		if got := status.Code(err); got != codes.DeadlineExceeded {
			t.Errorf("got %v, want %v: %v", got, codes.DeadlineExceeded, err)
		}
		if _, ok := await(t, calls).Deadline(); !ok {
			t.Error("the backend's call has no deadline")
		}
	})
}

func TestGRPCCancelReachesTheBackend(t *testing.T) {
	proxy, calls := startWaiting(t)
	eachTransport(t, proxy, func(_ context.Context, t *testing.T, conn *grpc.ClientConn) {
		// Without a deadline, only the client's cancellation can end the call.
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := testgrpc.NewTestServiceClient(conn).EmptyCall(ctx, &testgrpc.Empty{})
			ended <- err
		}()
		call := await(t, calls)
		cancel()
		if got := status.Code(await(t, ended)); got != codes.Canceled {
			t.Errorf("got %v, want %v", got, codes.Canceled)
		}
		await(t, call.Done())
	})
}

// await receives, or fails the test.
func await[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(grpcPatience):
		t.Fatalf("no %T came", value)
	}
	return value
}

// refusing ends every call with a status of its own.
type refusing struct {
	testgrpc.UnimplementedTestServiceServer
}

func (refusing) EmptyCall(context.Context, *testgrpc.Empty) (*testgrpc.Empty, error) {
	return nil, status.Error(codes.FailedPrecondition, "50 % of naïve")
}

// A response of trailers alone stays one HEADERS frame.
func TestGRPCTrailersOnly(t *testing.T) {
	proxy := target.Start(t, target.Backend{Address: serveGRPC(t, refusing{}), H2C: true})
	wantTrailersOnly(t, proxy, "9", "50 %25 of na%C3%AFve")
}

// TestGRPCBackendDown wants what a gRPC client understands, and of a request
// that is none an HTTP error.
func TestGRPCBackendDown(t *testing.T) {
	proxy := target.Start(t, target.Backend{Address: closedPort(t), H2C: true})
	wantTrailersOnly(t, proxy, "14", "")
	eachTransport(t, proxy, func(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
		_, err := testgrpc.NewTestServiceClient(conn).EmptyCall(ctx, &testgrpc.Empty{})
		if got := status.Code(err); got != codes.Unavailable {
			t.Errorf("got %v, want %v: %v", got, codes.Unavailable, err)
		}
	})
	conn := dial(t, proxy)
	send(t, conn.Headers(1, true, wire.Request("GET", target.HostA, "/")...))
	if got := conn.Response(1, grpcPatience); got.Status() != "502" && got.Status() != "503" {
		t.Errorf("a GET: got %v, want status 502 or 503", got)
	}
}

// wantTrailersOnly calls EmptyCall and wants status 200 and the gRPC status in
// a head that ends the stream.
func wantTrailersOnly(t *testing.T, proxy *target.Proxy, code, message string) {
	t.Helper()
	conn := dial(t, proxy)
	send(t, conn.Headers(1, false, wire.Request("POST", target.HostA, "/grpc.testing.TestService/EmptyCall",
		"content-type", "application/grpc", "te", "trailers")...))
	send(t, conn.Framer.WriteData(1, true, make([]byte, 5)))
	got := conn.Response(1, grpcPatience)
	if got.Status() != "200" || wire.Get(got.Fields, "grpc-status") != code || len(got.Trailers) > 0 || !got.Complete {
		t.Errorf("got %v with %v and trailers %v, want grpc-status %s in the only head", got, got.Fields, got.Trailers, code)
	}
	if kind := wire.Get(got.Fields, "content-type"); kind != "application/grpc" {
		t.Errorf("got content-type %q", kind)
	}
	if text := wire.Get(got.Fields, "grpc-message"); message != "" && text != message {
		t.Errorf("got grpc-message %q, want %q", text, message)
	}
}

// dial opens a connection to the plaintext port and greets.
func dial(t *testing.T, proxy *target.Proxy) *wire.Conn {
	t.Helper()
	conn, err := wire.Dial(proxy.Plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	send(t, conn.Preface())
	return conn
}

// send fails the test when something could not be written.
func send(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// closedPort is an address that refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
