package http2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/fleetgate/fleetgate/test/internal/target"
)

// duplex is a stream on which each message is answered by one.
type duplex = grpc.BidiStreamingClient[testgrpc.StreamingOutputCallRequest, testgrpc.StreamingOutputCallResponse]

func open(ctx context.Context, t *testing.T, conn *grpc.ClientConn) duplex {
	t.Helper()
	stream, err := testgrpc.NewTestServiceClient(conn).FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// pingPong sends a message of some bytes and waits for one of as many.
func pingPong(stream duplex, size int) error {
	if err := stream.Send(request(size)); err != nil {
		return err
	}
	answer, err := stream.Recv()
	if err != nil {
		return err
	}
	if got := len(answer.GetPayload().GetBody()); got != size {
		return errors.New("the answer has another size")
	}
	return nil
}

func request(size int) *testgrpc.StreamingOutputCallRequest {
	return &testgrpc.StreamingOutputCallRequest{
		ResponseParameters: []*testgrpc.ResponseParameters{{Size: int32(size)}},
		Payload:            interop.ClientNewPayload(testgrpc.PayloadType_COMPRESSABLE, size),
	}
}

// finish ends the stream and wants it to end well.
func finish(stream duplex) error {
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the stream ended with %v, not with OK", err)
	}
	return nil
}

func TestGRPCStreamOutlivesReload(t *testing.T) {
	proxy := startInterop(t)
	eachTransport(t, proxy, func(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
		stream := open(ctx, t, conn)
		for range 3 {
			if err := pingPong(stream, 1000); err != nil {
				t.Fatal(err)
			}
			proxy.Reload()
		}
		if err := errors.Join(pingPong(stream, 1000), finish(stream)); err != nil {
			t.Error(err)
		}
	})
}

// All streams are open before the first one goes on.
func TestGRPCHundredParallelStreams(t *testing.T) {
	eachTransport(t, startInterop(t), func(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
		var opened, done sync.WaitGroup
		failures := make(chan error, 100)
		opened.Add(100)
		for range 100 {
			done.Go(func() {
				stream, err := testgrpc.NewTestServiceClient(conn).FullDuplexCall(ctx)
				if err == nil {
					err = pingPong(stream, 100)
				}
				opened.Done()
				if opened.Wait(); err == nil {
					err = errors.Join(pingPong(stream, 5000), finish(stream))
				}
				failures <- err
			})
		}
		done.Wait()
		close(failures)
		for err := range failures {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func TestGRPCLargeMessages(t *testing.T) {
	eachTransport(t, startInterop(t), func(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
		const size = 16 << 20
		answer, err := testgrpc.NewTestServiceClient(conn).UnaryCall(ctx, &testgrpc.SimpleRequest{
			ResponseSize: size, Payload: interop.ClientNewPayload(testgrpc.PayloadType_COMPRESSABLE, size),
		}, grpc.MaxCallRecvMsgSize(largestMessage))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(answer.GetPayload().GetBody()); got != size {
			t.Errorf("got %d bytes, want %d", got, size)
		}
	})
}

// TestGRPCSlowReader lets a server send 64 MiB to a client that does not read
// for a while. A proxy that reads ahead of its client has them in memory.
func TestGRPCSlowReader(t *testing.T) {
	proxy := startInterop(t)
	eachTransport(t, proxy, func(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
		const messages, size = 64, 1 << 20
		before := usage(t, proxy)
		stream, err := testgrpc.NewTestServiceClient(conn).StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{
			ResponseParameters: repeat(&testgrpc.ResponseParameters{Size: size}, messages),
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond)
		if grown := usage(t, proxy) - before; grown > 32<<20 {
			t.Errorf("the proxy grew by %d MiB while its client did not read", grown>>20)
		}
		received := 0
		for err == nil {
			if _, err = stream.Recv(); err == nil {
				received++
			}
		}
		if !errors.Is(err, io.EOF) || received != messages {
			t.Errorf("got %d messages and %v, want %d", received, err, messages)
		}
	})
}

func usage(t *testing.T, proxy *target.Proxy) int {
	t.Helper()
	u, err := proxy.Usage()
	if err != nil {
		t.Fatal(err)
	}
	return u.RSS
}

func repeat[T any](value T, n int) []T {
	values := make([]T, n)
	for i := range values {
		values[i] = value
	}
	return values
}
