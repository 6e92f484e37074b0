package balance

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// external describes a backend with a name.
func external(id, hostname string, forbidden ...string) *proxyconfig.Backend {
	return &proxyconfig.Backend{
		ID: id, Kind: proxyconfig.BackendKindXBackend, Namespace: "shop", Service: "bank", Port: 443, Protocol: "http",
		External: &proxyconfig.External{Hostname: hostname, Forbidden: forbidden},
	}
}

func ips(text string) (list []netip.Addr) {
	for _, one := range strings.Fields(text) {
		list = append(list, netip.MustParseAddr(one))
	}
	return list
}

// at lists the addresses of a Cluster, sorted.
func at(c *Cluster) string {
	var list []string
	for _, e := range c.Endpoints() {
		list = append(list, e.Addr.String())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// names lists the Hostnames of a Registry.
func names(r *Registry) (list []string) {
	for _, h := range r.Hostnames() {
		list = append(list, h.Name)
	}
	return list
}

func commit(r *Registry, backends ...*proxyconfig.Backend) *Change {
	ch := r.Prepare(backends)
	ch.Commit()
	return ch
}

func TestEndpointsFollowAName(t *testing.T) {
	r := NewRegistry(Options{})
	ch := commit(r, external("a", "api.example.net"), backend("b", "10.0.0.9"))
	c := ch.Cluster("a")
	steps := []struct {
		name      string
		addresses string
		err       error
		want      string
		changed   bool
		problem   bool
	}{
		{"both families", "192.0.2.1 2001:db8::1", nil, "192.0.2.1:443 [2001:db8::1]:443", true, false},
		{"the same in another order", "2001:db8::1 192.0.2.1 192.0.2.1", nil, "192.0.2.1:443 [2001:db8::1]:443", false, false},
		{"an error", "", errors.New("no such host"), "192.0.2.1:443 [2001:db8::1]:443", false, true},
		{"nothing that may be used", "127.0.0.1 169.254.169.254 ::1 fe80::1 ::ffff:127.0.0.1", nil, "192.0.2.1:443 [2001:db8::1]:443", false, true},
		{"some that may not be used", "192.0.2.2 127.0.0.1", nil, "192.0.2.2:443", true, false},
		{"an address in another form", "::ffff:192.0.2.2", nil, "192.0.2.2:443", false, false},
	}
	if got := at(c); got != "" {
		t.Fatalf("before any answer: got %q", got)
	}
	if _, refusal := c.Choose(&Request{}); refusal != NoEndpoints {
		t.Errorf("before any answer: got refusal %d, want NoEndpoints", refusal)
	}
	for _, step := range steps {
		changed, problem := r.Resolved("api.example.net", ips(step.addresses), step.err)
		if changed != step.changed || (problem != nil) != step.problem || at(c) != step.want {
			t.Errorf("%s: got %q, changed %v, problem %v, want %q, %v, %v", step.name, at(c), changed, problem, step.want, step.changed, step.problem)
		}
	}
	if refused := ch.Refused(); len(refused) != 0 {
		t.Errorf("refused: %v", refused)
	}
}

func TestANameDoesNotLeadWhereItIsForbidden(t *testing.T) {
	r := NewRegistry(Options{})
	ch := commit(r, external("a", "api.example.net", "192.0.2.1:443", "192.0.2.2:6443"))
	r.Resolved("api.example.net", ips("192.0.2.1 192.0.2.2"), nil)
	if got, want := at(ch.Cluster("a")), "192.0.2.2:443"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is known of an address outlives an answer that has it still, and a change
// of configuration.
func TestEndpointsOfANameKeepTheirIdentity(t *testing.T) {
	r := NewRegistry(Options{})
	c := commit(r, external("a", "api.example.net")).Cluster("a")
	r.Resolved("api.example.net", ips("192.0.2.1 192.0.2.2"), nil)
	kept, left := find(t, c, "192.0.2.1"), find(t, c, "192.0.2.2")
	r.Resolved("api.example.net", ips("192.0.2.1 192.0.2.3"), nil)
	commit(r, external("a", "api.example.net"))
	if find(t, c, "192.0.2.1") != kept || kept.Gone() {
		t.Error("the endpoint of an address that is still there is another one")
	}
	if !left.Gone() {
		t.Error("the endpoint of an address that left is not gone")
	}
}

func TestAnAnswerBetweenPrepareAndCommitCounts(t *testing.T) {
	r := NewRegistry(Options{})
	ch := r.Prepare([]*proxyconfig.Backend{external("a", "api.example.net")})
	r.Resolved("api.example.net", ips("192.0.2.1"), nil)
	ch.Commit()
	if got, want := at(ch.Cluster("a")), "192.0.2.1:443"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNamesGoWithTheirBackends(t *testing.T) {
	r := NewRegistry(Options{})
	commit(r, external("a", "one.example.net"), external("b", "two.example.net"), external("c", "two.example.net"))
	r.Resolved("one.example.net", ips("192.0.2.1"), nil)
	r.Resolved("one.example.net", nil, errors.New("late"))
	if got, want := names(r), []string{"one.example.net", "two.example.net"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := r.NameCounts(), (NameCounts{Stale: 1, Unresolved: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	commit(r, external("b", "two.example.net"))
	if got, want := names(r), []string{"two.example.net"}; !slices.Equal(got, want) {
		t.Errorf("after one went: got %v, want %v", got, want)
	}
	if changed, problem := r.Resolved("one.example.net", ips("192.0.2.1"), nil); changed || problem != nil {
		t.Errorf("a name that is gone: got %v %v", changed, problem)
	}
}

func TestAConfigurationWaitsForNewNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry(Options{})
		_, stop := r.StartResolving()
		defer stop()
		go func() {
			time.Sleep(nameWait / 2)
			r.Resolved("api.example.net", ips("192.0.2.1"), nil)
		}()
		began := time.Now()
		ch := r.Prepare([]*proxyconfig.Backend{external("a", "api.example.net")})
		if took := time.Since(began); took != nameWait/2 {
			t.Errorf("waited %v for an answer that took %v", took, nameWait/2)
		}
		if got, want := at(ch.Cluster("a")), "192.0.2.1:443"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		began = time.Now()
		for range 2 {
			r.Prepare([]*proxyconfig.Backend{external("a", "api.example.net"), external("b", "late.example.net")})
		}
		if took := time.Since(began); took != nameWait {
			t.Errorf("waited %v for a name without an answer, want %v once", took, nameWait)
		}
	})
}
