package listener

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// failing starts a backend that answers 500 to everything, by HTTP/1.1 or HTTP/2
// with prior knowledge, and counts.
func failing(t *testing.T, count *atomic.Int32) string {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		count.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// A request whose retry the budget does not allow is answered 503, if the policy
// says so, and else with what it failed with.
func TestRetryBudgetIsUsedUp(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		for _, protocol := range []string{proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2} {
			for refuse, want := range map[bool]int{true: 503, false: 500} {
				var count atomic.Int32
				c := to(failing(t, &count))
				c.Routes[0].Rules[0].Retry = &proxyconfig.Retry{Attempts: 5, Codes: []int{500}, BackoffMillis: 1}
				c.Backends[0].Protocol = protocol
				c.Backends[0].Policy = &proxyconfig.Policy{RetryBudget: &proxyconfig.RetryBudget{
					Percent: -1, IntervalMillis: 10_000, MinRetries: 2, MinIntervalMillis: 3_600_000, Refuse: refuse,
				}}
				p := start(t, settings{driver: d}, c)
				cl := client(t)
				for i, attempts := range []int32{3, 1, 1} {
					count.Store(0)
					resp, _ := fetch(t, cl, "GET", p.url("/"), nil)
					if got := count.Load(); resp.StatusCode != want || got != attempts {
						t.Errorf("%s, refuse %v, request %d: got %d after %d attempts, want %d after %d",
							protocol, refuse, i, resp.StatusCode, got, want, attempts)
					}
				}
			}
		}
	})
}
