package balance

import (
	"strings"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// What holds where a configuration says nothing; proxyconfig.Policy documents
// these numbers.
const (
	minEjection = time.Second
	maxEjection = 30 * time.Second

	defaultMaxConnections = 16384
	defaultMaxRequests    = 65536
	defaultMaxPending     = 4096

	defaultRetryPercent      = 20
	defaultRetryMinPerSecond = 10

	defaultZonePercent = 50
)

// Policy is the compiled policy of a Cluster. It is immutable.
type Policy struct {
	// Check is nil where nothing is checked actively.
	Check *Check

	// datagrams: an endpoint takes no connection.
	datagrams bool
	algorithm proxyconfig.Algorithm
	hash      proxyconfig.HashKey
	slowStart int64

	ejects             bool
	consecutiveErrors  int32
	baseEjection       int64
	longestEjection    int64
	maxEjectedPercent  int
	maxConnections     int64
	maxRequests        int64
	maxPending         int64
	retryPercent       int64
	retryWindow        int64 // whose requests count beside those in flight; 0 has none
	retryInterval      int64 // between two retries of the minimum rate; 0 has none
	retryAhead         int64 // how much of the minimum rate may be had in advance
	refusesRetries     bool
	prefersZone        bool
	minHealthyInZonePc int
}

// Check is a compiled active health check.
type Check struct {
	Type          proxyconfig.CheckType
	Path, Host    string
	Service       string
	Statuses      []proxyconfig.StatusRange
	Port          uint16 // zero for the endpoint's own
	Interval      time.Duration
	Timeout       time.Duration
	Rise, Decline int
}

// defaultPolicy is that of a backend which has none.
var defaultPolicy = compilePolicy(nil)

// policyOf returns the policy of a backend. Those without one share one, unless
// they are of datagrams.
func policyOf(b *proxyconfig.Backend) *Policy {
	datagrams := b.Protocol == proxyconfig.BackendUDP
	if b.Policy == nil && !datagrams {
		return defaultPolicy
	}
	p := compilePolicy(b.Policy)
	p.datagrams = datagrams
	return p
}

// compilePolicy fills in the defaults. The policy has passed
// proxyconfig.ValidatePolicy; nil has the defaults.
func compilePolicy(in *proxyconfig.Policy) *Policy {
	if in == nil {
		in = &proxyconfig.Policy{}
	}
	p := &Policy{algorithm: in.Algorithm, slowStart: millis(in.SlowStartMillis, 0), Check: compileCheck(in.Check)}
	if in.Hash != nil {
		p.hash = *in.Hash
		if p.hash.Source == proxyconfig.HashHeader {
			// Who looks for it compares with lower case.
			p.hash.Name = strings.ToLower(p.hash.Name)
		}
	}
	p.setEjection(in.Ejection)
	p.setLimits(in.Limits)
	p.setRetryBudget(in.RetryBudget)
	if z := in.Zone; z != nil {
		p.prefersZone, p.minHealthyInZonePc = true, int(orDefault(z.MinHealthyPercent, defaultZonePercent))
	}
	return p
}

func (p *Policy) setEjection(in *proxyconfig.Ejection) {
	if in == nil {
		in = &proxyconfig.Ejection{}
	}
	p.ejects = !in.Disabled
	p.consecutiveErrors = in.ConsecutiveErrors
	p.baseEjection = millis(in.BaseMillis, minEjection)
	p.longestEjection = max(p.baseEjection, millis(in.MaxMillis, maxEjection))
	p.maxEjectedPercent = int(orDefault(in.MaxPercent, 100))
}

func (p *Policy) setLimits(in *proxyconfig.CircuitLimits) {
	if in == nil {
		in = &proxyconfig.CircuitLimits{}
	}
	p.maxConnections = limit(in.MaxConnections, defaultMaxConnections)
	p.maxRequests = limit(in.MaxRequests, defaultMaxRequests)
	p.maxPending = limit(in.MaxPending, defaultMaxPending)
}

func (p *Policy) setRetryBudget(in *proxyconfig.RetryBudget) {
	if in == nil {
		in = &proxyconfig.RetryBudget{}
	}
	p.retryPercent = orDefault(in.Percent, defaultRetryPercent)
	p.retryWindow, p.refusesRetries = millis(in.IntervalMillis, 0), in.Refuse
	p.retryAhead = int64(time.Second)
	if in.MinRetries > 0 {
		p.retryAhead = millis(in.MinIntervalMillis, time.Second)
		p.retryInterval = max(1, p.retryAhead/int64(in.MinRetries))
	} else if perSecond := orDefault(in.MinPerSecond, defaultRetryMinPerSecond); perSecond > 0 {
		p.retryInterval = int64(time.Second) / perSecond
	}
}

// RefusesRetries says that a request whose retry AllowRetry does not allow is
// answered 503.
func (p *Policy) RefusesRetries() bool { return p.refusesRetries }

func compileCheck(in *proxyconfig.HealthCheck) *Check {
	if in == nil {
		return nil
	}
	c := &Check{
		Type: in.Type, Path: in.Path, Host: in.Host, Service: in.Service, Statuses: in.Statuses, Port: uint16(in.Port),
		Interval: time.Duration(millis(in.IntervalMillis, 10*time.Second)),
		Timeout:  time.Duration(millis(in.TimeoutMillis, 2*time.Second)),
		Rise:     int(orDefault(in.Healthy, 2)),
		Decline:  int(orDefault(in.Unhealthy, 3)),
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if len(c.Statuses) == 0 {
		c.Statuses = []proxyconfig.StatusRange{{First: 200, Last: 200}}
	}
	return c
}

// Probed says whether a probe finds out that an ejected endpoint is well again.
// Nobody can connect with one that takes datagrams: unless it is checked
// otherwise, only another session finds out.
func (p *Policy) Probed() bool { return !p.datagrams || p.Check != nil }

// HashOn says which part of a request Choose wants the hash of, and its name
// where the source is a header or a cookie. It is empty where nothing is hashed.
func (p *Policy) HashOn() (source proxyconfig.HashSource, name string) {
	return p.hash.Source, p.hash.Name
}

// millis returns nanoseconds.
func millis(n int64, otherwise time.Duration) int64 {
	if n == 0 {
		return int64(otherwise)
	}
	return n * int64(time.Millisecond)
}

func orDefault(n int32, otherwise int64) int64 {
	if n == 0 {
		return otherwise
	}
	return int64(n)
}

// limit returns a bound that nothing reaches for a negative number.
func limit(n int32, otherwise int64) int64 {
	if n < 0 {
		return 1 << 62
	}
	return orDefault(n, otherwise)
}
