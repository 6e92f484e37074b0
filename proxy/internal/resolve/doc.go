// Package resolve keeps the addresses of backends outside of the cluster up to
// date (GEP-4894, ExternalHostname).
//
// A Resolver asks for each hostname at an interval, beside the loops and never on
// behalf of a request. What it learns it tells the balance.Registry, which puts the
// endpoints of the name in place. While a name cannot be resolved, the last good
// answer goes on; one that never had any has no endpoints, and its requests are
// answered 503.
//
// The resolver is Go's own: it needs an /etc/resolv.conf, and nothing else of the
// image that it runs in. It does not tell how long an answer may be kept, so
// answers are kept for the interval, which is no longer than what public names
// commonly allow.
package resolve
