package http2

import (
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/fleetgate/fleetgate/test/internal/target"
)

// grpcPatience bounds one call that is to succeed.
const grpcPatience = 20 * time.Second

// largestMessage is more than any window that a proxy keeps open.
const largestMessage = 64 << 20

// startInterop starts gRPC's interop server, and a proxy in front of it.
func startInterop(t *testing.T) *target.Proxy {
	t.Helper()
	return target.Start(t, target.Backend{Address: serveGRPC(t, interop.NewTestServer()), H2C: true})
}

// serveGRPC serves without TLS until the test ends, and returns the address.
func serveGRPC(t *testing.T, service testgrpc.TestServiceServer) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(largestMessage))
	testgrpc.RegisterTestServiceServer(server, service)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// transports are the two ways to reach a proxy.
func transports(t *testing.T, p *target.Proxy) map[string]*grpc.ClientConn {
	t.Helper()
	return map[string]*grpc.ClientConn{
		"h2c": connect(t, p.Plain, insecure.NewCredentials()),
		"TLS": connect(t, p.TLS, credentials.NewTLS(p.ClientTLS(target.HostA))),
	}
}

func connect(t *testing.T, address string, c credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(c), grpc.WithAuthority(target.HostA))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// eachTransport runs a story over both of them.
func eachTransport(t *testing.T, p *target.Proxy, story func(context.Context, *testing.T, *grpc.ClientConn)) {
	for name, conn := range transports(t, p) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), grpcPatience)
			defer cancel()
			story(ctx, t, conn)
		})
	}
}
