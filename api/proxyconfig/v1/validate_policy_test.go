package proxyconfig

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestValidatePolicyRefusesItsBackendAlone(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Policy)
		want   string
	}{
		{"algorithm", func(p *Policy) { p.Algorithm = "Dice" }, `unknown algorithm "Dice"`},
		{"hash of round robin", func(p *Policy) { p.Algorithm = RoundRobin }, `algorithm "RoundRobin" hashes nothing`},
		{"no hash", func(p *Policy) { p.Hash = nil }, "ConsistentHash needs to know"},
		{"hash source", func(p *Policy) { p.Hash.Source = "Moon" }, `unknown source of a hash "Moon"`},
		{"hash name", func(p *Policy) { p.Hash.Name = "a;b" }, `hashed name "a;b" is not a token`},
		{"named source address", func(p *Policy) { p.Hash.Source = HashSourceIP }, "a source address has no name"},
		{"slow start", func(p *Policy) { p.SlowStartMillis = -1 }, "slow start: -1 ms"},
		{"errors", func(p *Policy) { p.Ejection.ConsecutiveErrors = -1 }, "ejection: -1 consecutive errors"},
		{"ejection times", func(p *Policy) { p.Ejection.MaxMillis = 1 }, "ejection: the longest time is shorter"},
		{"ejected share", func(p *Policy) { p.Ejection.MaxPercent = 101 }, "ejection: ejected share: 101 percent"},
		{"check type", func(p *Policy) { p.Check.Type = "ICMP" }, `health check: unknown type "ICMP"`},
		{"path of a TCP check", func(p *Policy) { p.Check.Type = CheckTCP }, "health check: a path, host or status belongs"},
		{"service of an HTTP check", func(p *Policy) { p.Check.Service = "s" }, "health check: a service belongs"},
		{"check path", func(p *Policy) { p.Check.Path = "/a b" }, `health check: path "/a b" cannot`},
		{"check host", func(p *Policy) { p.Check.Host = "a\r\nb" }, "health check: hostname"},
		{"check statuses", func(p *Policy) { p.Check.Statuses[0].First = 300 }, "health check: statuses 300 to 204"},
		{"check port", func(p *Policy) { p.Check.Port = -1 }, "health check: port -1"},
		{"check interval", func(p *Policy) { p.Check.IntervalMillis = 5 }, "health check: an interval of 5 ms"},
		{"check timeout", func(p *Policy) { p.Check.TimeoutMillis = maxMillis + 1 }, "health check: timeout: 86400001 ms"},
		{"check threshold", func(p *Policy) { p.Check.Healthy = -1 }, "health check: threshold -1"},
		{"retry budget", func(p *Policy) { p.RetryBudget.Percent = 101 }, "retry budget: share: 101 percent"},
		{"interval of the retry budget", func(p *Policy) { p.RetryBudget.IntervalMillis = -1 }, "retry budget: interval: -1 ms"},
		{"rate without an interval", func(p *Policy) { p.RetryBudget.MinIntervalMillis = 0 }, "retry budget: 1 retries in 0 ms are no rate"},
		{"interval without a rate", func(p *Policy) { p.RetryBudget.MinRetries = 0 }, "retry budget: 0 retries in 60000 ms are no rate"},
		{"zone", func(p *Policy) { p.Zone.MinHealthyPercent = -1 }, "healthy share of the zone: -1 percent"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := sampleConfig()
			c.Routes = nil
			test.change(c.Backends[0].Policy)
			got := refusals(c)
			if !strings.HasPrefix(got, "Backend shop/cart:8080[0]: "+test.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("got:\n%swant one line with:\n%s", got, test.want)
			}
		})
	}
}

func TestValidateRetryAndItsFiltersRefuseTheirRuleAlone(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Rule)
		want   string
	}{
		{"attempts", func(r *Rule) { r.Retry.Attempts = -1 }, "-1 retries are not in"},
		{"code", func(r *Rule) { r.Retry.Codes[0] = 200 }, "status 200 to retry"},
		{"backoff", func(r *Rule) { r.Retry.BackoffMillis = -1 }, "backoff: -1 ms"},
		{"origin without a scheme", func(r *Rule) { r.Filters[1].CORS.AllowOrigins[0] = "example.com" }, `filter CORS: origin "example.com" does not`},
		{"origin with a path", func(r *Rule) { r.Filters[1].CORS.AllowOrigins[0] = "https://a/b" }, `filter CORS: origin "https://a/b" has no valid host`},
		{"inner wildcard", func(r *Rule) { r.Filters[1].CORS.AllowOrigins[0] = "https://a.*.b" }, "filter CORS: origin"},
		{"origin port", func(r *Rule) { r.Filters[1].CORS.AllowOrigins[0] = "https://a:65536" }, "filter CORS: origin"},
		{"any origin and another", func(r *Rule) { r.Filters[1].CORS.AllowOrigins = []string{"http://a", "*"} }, `filter CORS: the origin "*" excludes`},
		{"header injection", func(r *Rule) { r.Filters[1].CORS.ExposeHeaders[0] = "a\r\nb" }, "filter CORS: "},
		{"negative age", func(r *Rule) { r.Filters[1].CORS.MaxAgeSeconds = -1 }, "filter CORS: maximum age"},
		{"CORS without its field", func(r *Rule) { r.Filters[1].CORS = nil }, "filter CORS: its field"},
		{"mirror without its field", func(r *Rule) { r.Filters[2].Mirror = nil }, "filter Mirror: its field"},
		{"mirror to nowhere", func(r *Rule) { r.Filters[2].Mirror.Backend = "" }, "filter Mirror: the mirror has no backend"},
		{"more than all", func(r *Rule) { r.Filters[2].Mirror.Fraction.Numerator = 4 }, "filter Mirror: 4/3 is not"},
		{"nothing of nothing", func(r *Rule) { *r.Filters[2].Mirror.Fraction = Fraction{} }, "filter Mirror: 0/0 is not"},
		{"mirror at a reference", func(r *Rule) { r.Backends[0].Filters = r.Filters[2:3] }, "a backend reference cannot have a filter Mirror"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := sampleConfig()
			c.Routes[0].Rules = c.Routes[0].Rules[:1]
			test.change(&c.Routes[0].Rules[0])
			got := refusals(c)
			if !strings.HasPrefix(got, "Rule shop/cart[0]: "+test.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("got:\n%swant one line with:\n%s", got, test.want)
			}
		})
	}
}

func TestMirrorsMayBeRepeated(t *testing.T) {
	mirror := Filter{Type: FilterMirror, Mirror: &Mirror{Backend: "b"}}
	if err := ValidateRule(&Rule{Filters: []Filter{mirror, mirror}}); err != nil {
		t.Error(err)
	}
}

// Whatever a policy says, checking it ends, and what it passes keeps to the
// bounds that the proxy computes with.
func FuzzValidatePolicy(f *testing.F) {
	for _, p := range []*Policy{samplePolicy(), {}, {Algorithm: "?"}, {Check: &HealthCheck{Type: CheckGRPC, Service: "s"}}} {
		data, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Policy
		if json.Unmarshal(data, &p) != nil || ValidatePolicy(&p) != nil {
			return
		}
		if (p.Algorithm == ConsistentHash) != (p.Hash != nil) {
			t.Error("a hash and its algorithm are not together")
		}
		if c := p.Check; c != nil && (strings.ContainsAny(c.Path+c.Host, "\r\n ") || c.IntervalMillis < 0) {
			t.Errorf("accepted %+v", c)
		}
	})
}
