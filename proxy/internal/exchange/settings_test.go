package exchange

import (
	"reflect"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// settle serves the same with other settings.
func (w *world) settle(s *proxyconfig.Settings) {
	next := *w.loop.opts.Snapshot.Load()
	next.Settings = s
	w.loop.opts.Snapshot.Store(&next)
}

func timeouts(t proxyconfig.PhaseTimeouts) *proxyconfig.Settings {
	return &proxyconfig.Settings{Timeouts: &t}
}

// Each timeout bounds its own phase, which goes on as the settings change.
func TestTimeoutsAreSetWhileTheirPhaseGoesOn(t *testing.T) {
	const after = 3 * time.Second
	const gone = `client <- HTTP/1.1 504 Gateway Timeout "Gateway Timeout\n"`
	slow := []string{`client <- HTTP/1.1 408 Request Timeout (close) "Request Timeout\n"`, "shutdown client"}
	connected := func(in string) func(*world) {
		return func(w *world) {
			w.client(in)
			w.connected()
		}
	}
	for name, tt := range map[string]struct {
		set   proxyconfig.PhaseTimeouts
		phase func(w *world)
		want  []string
	}{
		"requestHead": {proxyconfig.PhaseTimeouts{RequestHeadMillis: 3000}, func(w *world) { w.client("GET") }, slow},
		"requestBodyIdle": {proxyconfig.PhaseTimeouts{RequestBodyIdleMillis: 3000},
			connected("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"), append([]string{"drop upstream"}, slow...)},
		"responseIdle": {proxyconfig.PhaseTimeouts{ResponseIdleMillis: 3000}, func(w *world) {
			connected(get)(w)
			w.fake.blocked = true
			w.upstream("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na")
		}, []string{"drop upstream", "abort client"}},
		"keepAlive":   {proxyconfig.PhaseTimeouts{KeepAliveMillis: 3000}, func(*world) {}, []string{"close client"}},
		"backendIdle": {proxyconfig.PhaseTimeouts{BackendIdleMillis: 3000}, connected(get), []string{"drop upstream", gone}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(1, nil)
			tt.phase(w)
			w.fake.log.Reset()
			w.settle(timeouts(tt.set))
			w.loop.Sweep()
			w.pass(after - 1)
			w.wants(t)
			w.pass(1)
			w.wants(t, tt.want...)
		})
	}
}

func TestTheTimeoutOfConnectingIsSet(t *testing.T) {
	w := newWorld(1, nil)
	w.settle(timeouts(proxyconfig.PhaseTimeouts{BackendConnectMillis: 300}))
	w.client(get)
	w.fake.log.Reset()
	w.pass(300*time.Millisecond - 1)
	w.wants(t)
	w.pass(1)
	if len(w.fake.all) == 0 || !w.fake.all[0].dead {
		t.Errorf("still connecting: %s", w.fake.log.String())
	}
}

func TestTheTimeoutOfIdleConnectionsToBackendsIsSet(t *testing.T) {
	w := newWorld(1, nil)
	w.client(get)
	w.connected()
	w.upstream(ok)
	w.settle(timeouts(proxyconfig.PhaseTimeouts{BackendKeepAliveMillis: 3000}))
	w.loop.Sweep()
	for at := time.Second; at <= 3*time.Second; at += time.Second {
		w.loop.SetNow(w.loop.Now() + int64(time.Second))
		w.backend().peer.Tick()
		if want := at == 3*time.Second; w.backend().dead != want {
			t.Errorf("after %v: closed %v, want %v", at, w.backend().dead, want)
		}
	}
}

func TestTheTimeoutOfTunnelsIsSet(t *testing.T) {
	w := newTunnel(t)
	w.fake.log.Reset()
	w.settle(timeouts(proxyconfig.PhaseTimeouts{TunnelIdleMillis: 3000}))
	w.loop.Sweep()
	w.pass(3*time.Second - 1)
	w.wants(t)
	w.pass(1)
	w.wants(t, "drop upstream", "abort client")
}

// Each of the timeouts changes its own limit alone.
func TestEachTimeoutHasItsLimit(t *testing.T) {
	limits := map[string]string{
		"RequestHeadMillis": "Head", "RequestBodyIdleMillis": "Body", "ResponseIdleMillis": "Stall", "KeepAliveMillis": "Idle",
		"TunnelIdleMillis": "Tunnel", "BackendConnectMillis": "Connect", "BackendIdleMillis": "Silence", "BackendKeepAliveMillis": "PoolIdle",
	}
	for i := range reflect.TypeFor[proxyconfig.PhaseTimeouts]().NumField() {
		field := reflect.TypeFor[proxyconfig.PhaseTimeouts]().Field(i).Name
		var set proxyconfig.PhaseTimeouts
		reflect.ValueOf(&set).Elem().Field(i).SetInt(1234)
		want := DefaultLimits()
		reflect.ValueOf(&want).Elem().FieldByName(limits[field]).SetInt(int64(1234 * time.Millisecond))
		if got := DefaultLimits().with(&set); got != want {
			t.Errorf("%s: got %+v", field, got)
		}
	}
}

// What settings leave open, or are no more, is as the options say.
func TestOptionsHoldWhereSettingsSayNothing(t *testing.T) {
	w := newWorld(1, nil)
	w.loop.opts.TrustedHops, w.loop.opts.Limits.Head = 3, 7*time.Second
	hops := int32(1)
	for _, tt := range []struct {
		settings *proxyconfig.Settings
		hops     uint8
		head     time.Duration
	}{
		{&proxyconfig.Settings{}, 3, 7 * time.Second},
		{&proxyconfig.Settings{TrustedHops: &hops, Timeouts: &proxyconfig.PhaseTimeouts{RequestHeadMillis: 1000}}, 1, time.Second},
		{&proxyconfig.Settings{TrustedHops: new(int32), Timeouts: &proxyconfig.PhaseTimeouts{KeepAliveMillis: 1000}}, 0, 7 * time.Second},
		{nil, 3, 7 * time.Second},
	} {
		w.settle(tt.settings)
		w.loop.follow()
		if w.loop.hops != tt.hops || w.loop.limits.Head != tt.head {
			t.Errorf("%+v: got %d hops, %v for a head", tt.settings, w.loop.hops, w.loop.limits.Head)
		}
	}
}

// Overload shortens what is set as it does what is not.
func TestOverloadShortensWhatIsSet(t *testing.T) {
	w := newWorld(1, nil)
	w.loop.opts.Gate = overload.NewGate(overload.Limits{})
	w.settle(timeouts(proxyconfig.PhaseTimeouts{RequestHeadMillis: 3_600_000}))
	for level, want := range map[overload.Level]time.Duration{overload.Normal: time.Hour, overload.ShedRequests: 5 * time.Second} {
		w.loop.opts.Gate.Set(level)
		w.loop.Sweep()
		if got := w.loop.limits.Head; got != want {
			t.Errorf("level %d: got %v, want %v", level, got, want)
		}
	}
}

// A request is believed by the settings that it began with, and the next one on the
// same connection by those that serve then.
func TestTrustedHopsAreSetForTheNextRequest(t *testing.T) {
	const told = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
	w := newWorld(1, nil)
	one := int32(1)
	for _, tt := range []struct {
		next *proxyconfig.Settings
		want string
	}{
		{&proxyconfig.Settings{TrustedHops: &one}, "192.0.2.1:1000"},
		{&proxyconfig.Settings{TrustedHops: new(int32)}, "203.0.113.9:0"},
		{nil, "192.0.2.1:1000"},
	} {
		w.client(told)
		w.settle(tt.next)
		w.loop.Sweep()
		x := w.conn.x
		if got := x.origin.String(); got != tt.want || (x.hops == 1) != (tt.want == "203.0.113.9:0") {
			t.Errorf("got client %s by %d hops, want %s", got, x.hops, tt.want)
		}
		if w.backend().sent.Len() == 0 {
			w.connected()
		}
		w.upstream(ok)
	}
}

// The settings are looked at for every request, and cost no memory.
func TestFollowingSettingsAllocatesNothing(t *testing.T) {
	w := newWorld(1, nil)
	w.settle(timeouts(proxyconfig.PhaseTimeouts{RequestHeadMillis: 1000}))
	if n := testing.AllocsPerRun(100, w.loop.follow); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
