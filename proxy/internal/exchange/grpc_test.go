package exchange

import "testing"

// The mapping of gRPC's documentation (http-grpc-status-mapping), with what
// grpcStatus says is ours; all that neither names is UNKNOWN.
func TestGRPCStatus(t *testing.T) {
	want := map[int]string{
		400: "13", 401: "16", 403: "7", 404: "12", 429: "14", 502: "14", 503: "14",
		// These are ours.
		431: "13", 500: "14", 504: "4",
	}
	for status := 300; status < 600; status++ {
		w, ok := want[status]
		if !ok {
			w = "2"
		}
		if got := grpcStatus(status); got != w {
			t.Errorf("%d: got %s, want %s", status, got, w)
		}
	}
}

func TestIsGRPC(t *testing.T) {
	for in, want := range map[string]bool{
		"application/grpc": true, "application/grpc+proto": true, "application/grpc;charset=utf-8": true, "Application/GRPC": true,
		"": false, "application/grp": false, "application/grpc-web": false, "application/grpcx": false, "text/plain": false,
	} {
		if got := isGRPC([]byte(in)); got != want {
			t.Errorf("%q: got %v", in, got)
		}
	}
}
