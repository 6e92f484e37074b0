package exchange

import (
	"testing"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/h2"
)

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

func TestTheStatusOfACallIsReported(t *testing.T) {
	answer := func(fields ...string) func(*h2.Stream) {
		return func(s *h2.Stream) {
			s.Respond(200)
			s.Field([]byte("content-type"), []byte("application/grpc"))
			for _, status := range fields {
				s.Field([]byte("grpc-status"), []byte(status))
			}
			s.EndHead(len(fields) > 0)
		}
	}
	trailer := func(status string) func(*h2.Stream) {
		return func(s *h2.Stream) {
			answer()(s)
			s.Send([]byte("message"), false)
			s.SendTrailers([]byte("grpc-status: " + status + "\r\n"))
		}
	}
	for _, tt := range []struct {
		name   string
		answer func(*h2.Stream)
		want   uint8
	}{
		{"without messages", answer("5"), 6},
		{"in the trailer", trailer("0"), 1},
		{"the last one", trailer("16"), 17},
		{"one that is not known", trailer("17"), 3},
		{"no number", trailer("OK"), 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
			b := newBrowser(w)
			b.call("1S")
			s := w.newSource()
			s.answers = tt.answer
			b.pump()
			s.exchange()
			s.exchange()
			b.pump()
			if len(w.done) != 1 || w.done[0].Protocol != probe.GRPC || w.done[0].GRPC != tt.want {
				t.Errorf("got %+v, want a status of %d", w.done, tt.want)
			}
		})
	}
}
