package listener

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// naming starts a backend that answers with its name.
func naming(t testing.TB, name string) (*httptest.Server, string) {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) })
}

// shares asks n times, and counts the answers.
func (p *proxy) shares(n int) map[string]int {
	p.t.Helper()
	cl, shares := client(p.t), map[string]int{}
	for range n {
		resp, body := fetch(p.t, cl, "GET", p.url("/"), nil)
		if resp.StatusCode != 200 {
			p.t.Fatalf("got %d", resp.StatusCode)
		}
		shares[body]++
	}
	return shares
}

// An endpoint that joins others begins with a tenth of its share. It would have
// the whole of it in an hour.
func TestSlowStart(t *testing.T) {
	_, before := naming(t, "before")
	_, fresh := naming(t, "fresh")
	onDrivers(t, func(t *testing.T, d Driver) {
		of := func(addrs ...string) *proxyconfig.Config {
			c := to(addrs...)
			c.Backends[0].Policy = &proxyconfig.Policy{SlowStartMillis: 3_600_000}
			return c
		}
		p := start(t, settings{driver: d}, of(before))
		p.shares(1)
		p.apply(of(before, fresh))
		if got := p.shares(100)["fresh"]; got < 1 || got > 15 {
			t.Errorf("the new endpoint had %d of 100 requests, want about 5", got)
		}
	})
}

// Requests stay in the proxy's zone until what is there fails.
func TestZonePreference(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		near, here := naming(t, "here")
		_, there := naming(t, "there")
		c := to(there, here)
		c.Backends[0].Endpoints[0].Zone, c.Backends[0].Endpoints[1].Zone = "there", "here"
		c.Backends[0].Policy = &proxyconfig.Policy{Zone: &proxyconfig.ZonePreference{}}
		p := start(t, settings{driver: d, zone: "here"}, c)
		if got := p.shares(20); got["here"] != 20 {
			t.Errorf("got %v, want all in the zone", got)
		}
		near.CloseClientConnections()
		near.Close()
		if got := p.shares(4); got["there"] != 4 {
			t.Errorf("got %v beside a zone that is down", got)
		}
	})
}

// A request too many is answered 503 at once, and one that has ended makes room
// for another.
func TestCircuitLimitOfRequests(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		begun, goOn := make(chan struct{}, 2), make(chan struct{})
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/held" {
				begun <- struct{}{}
				<-goOn
			}
		})
		c := to(addr)
		c.Backends[0].Policy = &proxyconfig.Policy{Limits: &proxyconfig.CircuitLimits{MaxRequests: 2}}
		p := start(t, settings{driver: d}, c)
		var held []*rawConn
		for range 2 {
			c := p.dial()
			c.send("GET /held HTTP/1.1", "Host: a")
			held = append(held, c)
			<-begun
		}
		cl := client(t)
		if resp, _ := fetch(t, cl, "GET", p.url("/"), nil); resp.StatusCode != 503 {
			t.Errorf("a third request got %d, want 503", resp.StatusCode)
		}
		close(goOn)
		for _, c := range held {
			if resp, _ := c.response("GET"); resp.StatusCode != 200 {
				t.Errorf("a request within the limit got %d", resp.StatusCode)
			}
		}
		eventually(t, func() bool {
			resp, _ := fetch(t, cl, "GET", p.url("/"), nil)
			return resp.StatusCode == 200
		})
	})
}
