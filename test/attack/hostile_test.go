package attack

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// patience is how long a client waits for what a hostile backend comes to, and
// impatience where it is to get nothing more.
const (
	patience   = 15 * time.Second
	impatience = 2 * time.Second
)

func TestHostileBackends(t *testing.T) {
	good := startBackend(t)
	beside := target.Start(t, target.Backend{Address: good.address()})
	for _, h := range Hostiles() {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel()
			judgeHostile(t, h, good, beside)
		})
	}
}

// judgeHostile has a request go to the hostile backend, while a victim's go to
// the good one, and again if need be: to another proxy then, as one that has met a
// backend as bad as that may not ask it again.
func judgeHostile(t *testing.T, h Hostile, good *backend, beside *target.Proxy) {
	judge(t, func() round { return meet(t, h, good, beside) })
}

func meet(t *testing.T, h Hostile, good *backend, beside *target.Proxy) round {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var met Met
	go h.Serve(listener, &met)
	proxy := target.Start(t, target.Backend{Address: listener.Addr().String(), H2C: true}, target.Backend{Address: good.address()})
	r := newRig(t, proxy, good, target.HostB, beside, quiet)
	var got wire.Outcome
	m, err := r.under(func() (cpu time.Duration, err error) {
		got, err = h.ask(proxy)
		time.Sleep(quiet)
		return time.Duration(met.CPU.Load()), err
	})
	if err != nil {
		t.Fatal(err)
	}
	if met.Connections.Load() == 0 {
		t.Error("the proxy has not spoken HTTP/2 to the backend")
	}
	if !h.failed(got) {
		t.Errorf("got %v, which is not how a backend's failure is told", got)
	}
	return m
}

// ask sends a request with a body to the hostile backend.
func (h Hostile) ask(proxy *target.Proxy) (wire.Outcome, error) {
	within := patience
	if h.Waits {
		within = impatience
	}
	conn, err := wire.Dial(proxy.Plain, nil)
	if err != nil {
		return wire.Outcome{}, err
	}
	defer conn.Close()
	err = errors.Join(conn.Preface(),
		conn.Headers(1, false, wire.Request("POST", target.HostA, "/attack")...),
		conn.Framer.WriteData(1, true, []byte("body")))
	return conn.Response(1, within), err
}

// failed says whether a client was told that the backend failed: by a response
// of the proxy, or where one has begun, by its visible end.
func (h Hostile) failed(o wire.Outcome) bool {
	if o.Complete && (o.Status() == "502" || o.Status() == "503") {
		return true
	}
	waiting := errors.Is(o.Err, os.ErrDeadlineExceeded)
	cut := o.Reset != nil || o.GoAway != nil || o.Err != nil && (!waiting || h.Waits)
	return h.Begun && cut && !o.Complete
}
