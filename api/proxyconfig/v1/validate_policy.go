package proxyconfig

import (
	"fmt"
	"net/netip"
	"strings"
)

// The bounds of what a policy may ask for. They keep products of the numbers in
// range and a health check from becoming a load.
const (
	maxMillis         = 24 * 60 * 60 * 1000
	minIntervalMillis = 100
	maxThreshold      = 1000
	maxRetries        = 100
)

// ValidatePolicy checks the policy of one backend; nil is sound.
func ValidatePolicy(p *Policy) error {
	if p == nil {
		return nil
	}
	if err := validateAlgorithm(p); err != nil {
		return err
	}
	if err := validateMillis("slow start", p.SlowStartMillis); err != nil {
		return err
	}
	if err := validateEjection(p.Ejection); err != nil {
		return fmt.Errorf("ejection: %w", err)
	}
	if err := validateCheck(p.Check); err != nil {
		return fmt.Errorf("health check: %w", err)
	}
	if err := validateRetryBudget(p.RetryBudget); err != nil {
		return fmt.Errorf("retry budget: %w", err)
	}
	if z := p.Zone; z != nil {
		return validatePercent("healthy share of the zone", z.MinHealthyPercent)
	}
	return nil
}

func validateAlgorithm(p *Policy) error {
	switch p.Algorithm {
	case "", RoundRobin, LeastRequest, PeakEWMA:
		if p.Hash != nil {
			return fmt.Errorf("algorithm %q hashes nothing", p.Algorithm)
		}
		return nil
	case ConsistentHash:
		return validateHashKey(p.Hash)
	}
	return fmt.Errorf("unknown algorithm %q", p.Algorithm)
}

func validateHashKey(k *HashKey) error {
	if k == nil {
		return fmt.Errorf("%s needs to know what to hash", ConsistentHash)
	}
	switch k.Source {
	case HashSourceIP:
		if k.Name != "" {
			return fmt.Errorf("a source address has no name %q", k.Name)
		}
		return nil
	case HashHeader, HashCookie:
		if !isToken(k.Name) {
			return fmt.Errorf("hashed name %q is not a token", k.Name)
		}
		return nil
	}
	return fmt.Errorf("unknown source of a hash %q", k.Source)
}

func validateEjection(e *Ejection) error {
	if e == nil {
		return nil
	}
	if e.ConsecutiveErrors < 0 {
		return fmt.Errorf("%d consecutive errors are not a count", e.ConsecutiveErrors)
	}
	if err := validateMillis("base time", e.BaseMillis); err != nil {
		return err
	}
	if err := validateMillis("longest time", e.MaxMillis); err != nil {
		return err
	}
	if e.BaseMillis > 0 && e.MaxMillis > 0 && e.MaxMillis < e.BaseMillis {
		return fmt.Errorf("the longest time is shorter than the base time")
	}
	return validatePercent("ejected share", e.MaxPercent)
}

func validateCheck(c *HealthCheck) error {
	if c == nil {
		return nil
	}
	if err := validateCheckType(c); err != nil {
		return err
	}
	if c.Port != 0 {
		if err := validatePort(c.Port); err != nil {
			return err
		}
	}
	if c.IntervalMillis != 0 && c.IntervalMillis < minIntervalMillis {
		return fmt.Errorf("an interval of %d ms is shorter than %d ms", c.IntervalMillis, minIntervalMillis)
	}
	if err := validateMillis("interval", c.IntervalMillis); err != nil {
		return err
	}
	if err := validateMillis("timeout", c.TimeoutMillis); err != nil {
		return err
	}
	for _, n := range []int32{c.Healthy, c.Unhealthy} {
		if n < 0 || n > maxThreshold {
			return fmt.Errorf("threshold %d is not in 0..%d", n, maxThreshold)
		}
	}
	return nil
}

// validateCheckType refuses fields of another type as well: a check that asks
// less than was written would pass endpoints that are not well.
func validateCheckType(c *HealthCheck) error {
	switch c.Type {
	case CheckTCP, CheckHTTP, CheckGRPC:
	default:
		return fmt.Errorf("unknown type %q", c.Type)
	}
	if c.Type != CheckHTTP && (c.Path != "" || c.Host != "" || c.Statuses != nil) {
		return fmt.Errorf("a path, host or status belongs to type %s", CheckHTTP)
	}
	if c.Type != CheckGRPC && c.Service != "" {
		return fmt.Errorf("a service belongs to type %s", CheckGRPC)
	}
	if c.Path != "" && (!strings.HasPrefix(c.Path, "/") || !isTarget(c.Path)) {
		return fmt.Errorf("path %q cannot be part of a request line", c.Path)
	}
	if err := validateCheckHost(c.Host); err != nil {
		return err
	}
	for _, s := range c.Statuses {
		if s.First < 100 || s.Last > 599 || s.First > s.Last {
			return fmt.Errorf("statuses %d to %d are no range within 100..599", s.First, s.Last)
		}
	}
	return nil
}

func validateCheckHost(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	return validateTarget(host)
}

// ValidateRetry checks the retry policy of one rule; nil is sound.
func ValidateRetry(r *Retry) error {
	if r == nil {
		return nil
	}
	if r.Attempts < 0 || r.Attempts > maxRetries {
		return fmt.Errorf("%d retries are not in 0..%d", r.Attempts, maxRetries)
	}
	for _, code := range r.Codes {
		if code < 400 || code > 599 {
			return fmt.Errorf("status %d to retry is not in 400..599", code)
		}
	}
	return validateMillis("backoff", r.BackoffMillis)
}

func validateRetryBudget(b *RetryBudget) error {
	if b == nil {
		return nil
	}
	if err := validatePercent("share", max(0, b.Percent)); err != nil {
		return err
	}
	if err := validateMillis("interval", b.IntervalMillis); err != nil {
		return err
	}
	if b.MinRetries < 0 || (b.MinRetries > 0) != (b.MinIntervalMillis > 0) {
		return fmt.Errorf("%d retries in %d ms are no rate", b.MinRetries, b.MinIntervalMillis)
	}
	return validateMillis("interval of the minimum rate", b.MinIntervalMillis)
}

func validateMillis(what string, n int64) error {
	if n < 0 || n > maxMillis {
		return fmt.Errorf("%s: %d ms are not in 0..%d", what, n, int64(maxMillis))
	}
	return nil
}

func validatePercent(what string, n int32) error {
	if n < 0 || n > 100 {
		return fmt.Errorf("%s: %d percent are not in 0..100", what, n)
	}
	return nil
}
