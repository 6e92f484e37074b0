package resolve

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// servers answer lookups as the test says, and count them.
type servers struct {
	mu      sync.Mutex
	answers map[string]string
	asked   map[string]int
	changed int
	told    int
	logged  []string
}

func (s *servers) lookup(_ context.Context, hostname string) ([]netip.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[hostname]++
	answer, ok := s.answers[hostname]
	if !ok {
		return nil, errors.New("no such host")
	}
	var list []netip.Addr
	for _, text := range strings.Fields(answer) {
		list = append(list, netip.MustParseAddr(text))
	}
	return list, nil
}

func (s *servers) answer(hostname, addresses string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[hostname] = addresses
}

func (s *servers) fail(hostname string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.answers, hostname)
}

// take returns how often a hostname was asked for since the last call.
func (s *servers) take(hostname string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.asked[hostname]
	s.asked[hostname] = 0
	return n
}

func start(t *testing.T, r *balance.Registry) *servers {
	s := &servers{answers: map[string]string{}, asked: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	resolver := New(Options{
		Registry: r, Lookup: s.lookup,
		Changed:  func() { s.mu.Lock(); s.changed++; s.mu.Unlock() },
		Problems: func() { s.mu.Lock(); s.told++; s.mu.Unlock() },
		Log:      funcr.New(func(_, line string) { s.mu.Lock(); s.logged = append(s.logged, line); s.mu.Unlock() }, funcr.Options{}),
	})
	wait := resolver.Start(ctx)
	t.Cleanup(func() { cancel(); wait() })
	return s
}

func serve(r *balance.Registry, hostnames ...string) *balance.Change {
	var backends []*proxyconfig.Backend
	for _, hostname := range hostnames {
		backends = append(backends, &proxyconfig.Backend{
			ID: hostname, Port: 443, Protocol: proxyconfig.BackendHTTP1, External: &proxyconfig.External{Hostname: hostname},
		})
	}
	ch := r.Prepare(backends)
	ch.Commit()
	return ch
}

func first(c *balance.Cluster) string {
	if e := c.Pick(0); e != nil {
		return e.Addr.String()
	}
	return ""
}

func TestNamesAreResolvedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := balance.NewRegistry(balance.Options{})
		s := start(t, r)
		s.answer("api.example.net", "192.0.2.1")
		c := serve(r, "api.example.net").Cluster("api.example.net")
		if got, want := first(c), "192.0.2.1:443"; got != want {
			t.Errorf("as soon as it serves: got %q, want %q", got, want)
		}
		s.answer("api.example.net", "192.0.2.2")
		time.Sleep(2 * interval)
		if got, want := first(c), "192.0.2.2:443"; got != want {
			t.Errorf("after it changed: got %q, want %q", got, want)
		}
		s.fail("api.example.net")
		time.Sleep(10 * interval)
		if got, want := first(c), "192.0.2.2:443"; got != want {
			t.Errorf("while nobody answers: got %q, want %q", got, want)
		}
		if n := s.take("api.example.net"); n < 10 || n > 24 {
			t.Errorf("asked %d times in twelve intervals", n)
		}
		s.answer("api.example.net", "192.0.2.3")
		time.Sleep(2 * interval)
		if got, want := first(c), "192.0.2.3:443"; got != want {
			t.Errorf("after that: got %q, want %q", got, want)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.changed != 3 || len(s.logged) != 2 {
			t.Errorf("told of %d changes, want 3, and logged %q, want that it failed and came back", s.changed, s.logged)
		}
	})
}

func TestAFirstFailureIsSoonTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := balance.NewRegistry(balance.Options{})
		s := start(t, r)
		c := serve(r, "api.example.net").Cluster("api.example.net")
		if got := first(c); got != "" {
			t.Errorf("got %q of a name that nobody knows", got)
		}
		s.answer("api.example.net", "192.0.2.1")
		time.Sleep(2 * firstRetry)
		if got, want := first(c), "192.0.2.1:443"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestWhoTellsOfProblemsIsAskedToWhereTheyMayHaveChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := balance.NewRegistry(balance.Options{})
		s := start(t, r)
		serve(r, "api.example.net")
		time.Sleep(2 * interval)
		synctest.Wait()
		if asked := s.take("api.example.net"); s.told != asked || len(r.HostnameProblems()) != 1 {
			t.Errorf("asked %d times in vain and told of it %d times; the problems are %v", asked, s.told, r.HostnameProblems())
		}
		s.answer("api.example.net", "192.0.2.1")
		time.Sleep(2 * interval)
		synctest.Wait()
		before := s.told
		if problems := r.HostnameProblems(); len(problems) > 0 {
			t.Errorf("once it leads somewhere: %v", problems)
		}
		time.Sleep(10 * interval)
		synctest.Wait()
		if s.told != before {
			t.Errorf("told %d times of a name that is well", s.told-before)
		}
	})
}

func TestNamesThatWentAreNotAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := balance.NewRegistry(balance.Options{})
		s := start(t, r)
		serve(r, "one.example.net", "two.example.net")
		serve(r, "two.example.net")
		synctest.Wait()
		s.take("one.example.net")
		s.take("two.example.net")
		time.Sleep(3 * interval)
		if one, two := s.take("one.example.net"), s.take("two.example.net"); one != 0 || two == 0 {
			t.Errorf("asked %d times for the one that went and %d for the other", one, two)
		}
	})
}

// Whoever follows the names may see no more of it than that something has changed.
func TestANameThatCameBackIsAskedForAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := balance.NewRegistry(balance.Options{})
		s := start(t, r)
		s.answer("api.example.net", "192.0.2.1")
		serve(r, "api.example.net")
		for i := range 20 {
			serve(r)
			c := serve(r, "api.example.net").Cluster("api.example.net")
			if got, want := first(c), "192.0.2.1:443"; got != want {
				t.Fatalf("the %d. time: got %q, want %q", i+1, got, want)
			}
		}
	})
}

func TestTheSystemResolvesLocalhost(t *testing.T) {
	found, err := lookup(t.Context(), "localhost")
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range found {
		if !addr.IsLoopback() {
			t.Errorf("localhost leads to %s", addr)
		}
	}
}

func TestNothingIsKeptOnWithoutNames(t *testing.T) {
	r := balance.NewRegistry(balance.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	wait := New(Options{Registry: r, Log: logr.Discard()}).Start(ctx)
	cancel()
	wait() // returns
}
