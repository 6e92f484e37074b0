package http2

import (
	"context"
	"fmt"
	"io"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

// interopCases are those of gRPC's interop descriptions that need no
// credentials of a cloud.
var interopCases = []struct {
	name string
	run  func(context.Context, *grpc.ClientConn)
}{
	{"empty_unary", onService(interop.DoEmptyUnaryCall)},
	{"large_unary", onService(interop.DoLargeUnaryCall)},
	{"client_streaming", onService(interop.DoClientStreaming)},
	{"server_streaming", onService(interop.DoServerStreaming)},
	{"ping_pong", onService(interop.DoPingPong)},
	{"empty_stream", onService(interop.DoEmptyStream)},
	{"timeout_on_sleeping_server", onService(interop.DoTimeoutOnSleepingServer)},
	{"cancel_after_begin", onService(interop.DoCancelAfterBegin)},
	{"cancel_after_first_response", onService(interop.DoCancelAfterFirstResponse)},
	{"custom_metadata", onService(interop.DoCustomMetadata)},
	{"status_code_and_message", onService(interop.DoStatusCodeAndMessage)},
	{"special_status_message", onService(interop.DoSpecialStatusMessage)},
	{"unimplemented_method", func(ctx context.Context, conn *grpc.ClientConn) { interop.DoUnimplementedMethod(ctx, conn) }},
	{"unimplemented_service", func(ctx context.Context, conn *grpc.ClientConn) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(conn))
	}},
}

// onService gives a case the client of the service that most cases call.
func onService(run func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)) func(context.Context, *grpc.ClientConn) {
	return func(ctx context.Context, conn *grpc.ClientConn) { run(ctx, testgrpc.NewTestServiceClient(conn)) }
}

// racing are the cases in which the client has both its own end of a call and the
// server's answer where it is slow to look, and takes either: one of three tries has to
// show the first.
var racing = map[string]bool{"cancel_after_begin": true}

func TestGRPCInterop(t *testing.T) {
	proxy := startInterop(t)
	for _, c := range interopCases {
		t.Run(c.name, func(t *testing.T) {
			eachTransport(t, proxy, func(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
				tries := 1
				if racing[c.name] {
					tries = 3
				}
				var failure string
				for range tries {
					if failure = fatalOf(func() { c.run(ctx, conn) }); failure == "" {
						return
					}
				}
				t.Error(failure)
			})
		})
	}
}

// The interop client ends the process when a case fails. fatalLog turns that
// into a panic, which fatalOf turns into a text.
type fatalLog struct{ grpclog.LoggerV2 }

type interopFailure string

func init() { grpclog.SetLoggerV2(fatalLog{grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)}) }

func (fatalLog) Fatal(args ...any)   { panic(interopFailure(fmt.Sprint(args...))) }
func (fatalLog) Fatalln(args ...any) { panic(interopFailure(fmt.Sprintln(args...))) }
func (fatalLog) Fatalf(format string, args ...any) {
	panic(interopFailure(fmt.Sprintf(format, args...)))
}

// fatalOf returns what a case ended the process for, which is nothing where all went well.
func fatalOf(run func()) (failure string) {
	defer func() {
		switch panicked := recover().(type) {
		case nil:
		case interopFailure:
			failure = string(panicked)
		default:
			panic(panicked)
		}
	}()
	run()
	return ""
}
