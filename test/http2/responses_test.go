package http2

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
	"github.com/fleetgate/fleetgate/test/protocol/vector"
)

// What hostile and careless backends answer by HTTP/1.1 becomes of HTTP/2 what it
// does of HTTP/1.1: a response, a 502, or one that is visibly cut; and nothing that
// stands beside an answer reaches another request on either connection.
func TestResponses(t *testing.T) {
	all := vector.Responses()
	backend := recorder.Start(t, func(r *received) recorder.Answer {
		n, err := strconv.Atoi(strings.TrimPrefix(r.Target, "/"))
		if err != nil {
			return recorder.Echo(r)
		}
		return recorder.Answer{Bytes: []byte(all[n].In), Close: !all[n].Stays}
	})
	proxy := target.Start(t, target.Backend{Address: backend.Addr()})
	for i, r := range all {
		t.Run(r.Name, func(t *testing.T) {
			method := r.Method
			if method == "" {
				method = "GET"
			}
			conn := dial(t, proxy)
			send(t, conn.Headers(1, true, wire.Request(method, target.HostA, fmt.Sprint("/", i))...))
			if err := checkResponse(r, conn.Response(1, grpcPatience)); err != nil {
				t.Error(err)
			}
			wantSound(t, conn, 3)
			conn.Close()
			wantSound(t, dial(t, proxy), 1)
		})
	}
}

func checkResponse(want vector.Response, got wire.Outcome) error {
	if want.Verdict == vector.Break {
		if got.Complete && got.Status() != "502" || got.GoAway != nil || got.Err != nil {
			return fmt.Errorf("got %v %q, want it to be cut", got, got.Body)
		}
		return nil
	}
	if !got.Complete || got.Status() != strconv.Itoa(want.Status) {
		return fmt.Errorf("got %v, want status %d", got, want.Status)
	}
	if want.Verdict == vector.Pass && string(got.Body) != want.Body {
		return fmt.Errorf("got the body %q, want %q", got.Body, want.Body)
	}
	for _, name := range []string{"connection", "keep-alive", "transfer-encoding", "upgrade", "x-gone"} {
		if value := wire.Get(got.Fields, name); value != "" {
			return fmt.Errorf("got %s: %s", name, value)
		}
	}
	return nil
}
