package graph

import (
	"regexp"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

// Rule is one rule of a route.
type Rule struct {
	// HTTP is the rule of an HTTPRoute as it was written, and of a GRPCRoute what
	// it comes to in terms of HTTP.
	HTTP *gatewayv1.HTTPRouteRule
	// L4 is the rule as it was written, for a rule of a TLSRoute, TCPRoute or
	// UDPRoute.
	L4 *L4Rule
	// Matches are those of the rule's matches that can be served. The rule
	// matches nothing when it has matches and all of them are bad.
	Matches []*gatewayv1.HTTPRouteMatch
	// Backends are in the order of the spec, the bad ones included.
	Backends []*BackendRef
	// ExternalAuth is nil where nobody is asked about the rule's requests.
	ExternalAuth *ExternalAuth
	// Mirrors are those of the rule's mirrors that lead to a backend, in order.
	Mirrors []*Mirror
	// Retry is nil where the rule asks for no retries of its own.
	Retry *Retry
	// Session is nil where the rule keeps no sessions of its own.
	Session *proxyconfig.Session
	// Problems that break Accepted make the whole rule invalid: what it matches
	// is answered 500. Those that break ResolvedRefs are of single references.
	Problems conditions.Problems
	// Notes name what is done in another way than one might expect.
	Notes []string
}

// BackendRef is one of a rule's backendRefs.
type BackendRef struct {
	// HTTP is the reference as it was written. Those of routes below HTTP have
	// no filters.
	HTTP *gatewayv1.HTTPBackendRef
	// Backend is nil when the reference is invalid: its share of the requests
	// is answered 500.
	Backend *Backend
	Weight  int32
}

// Invalid says whether the rule answers all its requests with 500.
func (r *Rule) Invalid() bool {
	return r.Problems.Has(string(gatewayv1.RouteConditionAccepted))
}

func (r *Rule) refuse(reason gatewayv1.RouteConditionReason, format string, args ...any) {
	r.Problems.Add(string(gatewayv1.RouteConditionAccepted), string(reason), format, args...)
}

func (r *Rule) unresolved(reason gatewayv1.RouteConditionReason, format string, args ...any) {
	r.Problems.Add(string(gatewayv1.RouteConditionResolvedRefs), string(reason), format, args...)
}

func (b *builder) httpRoute(source *gatewayv1.HTTPRoute) *Route {
	if known := b.recall.route(source, b.backends); known != nil {
		return known
	}
	route := &Route{
		Kind: KindHTTPRoute,
		Name: types.NamespacedName{Namespace: source.Namespace, Name: source.Name},
		Meta: &source.ObjectMeta,
	}
	route.readHostnames(source.Spec.Hostnames)
	for i := range source.Spec.Rules {
		route.Rules = append(route.Rules, b.httpRule(route, i, &source.Spec.Rules[i]))
	}
	b.recall.keep(source, route)
	return route
}

func (b *builder) httpRule(route *Route, index int, source *gatewayv1.HTTPRouteRule) *Rule {
	return b.rule(route, index, source, func(match int) []string { return checkMatch(&source.Matches[match]) })
}

// rule validates a rule. What is wrong with one of its matches is up to check,
// which gets the match's index.
func (b *builder) rule(route *Route, index int, source *gatewayv1.HTTPRouteRule, check func(match int) []string) *Rule {
	rule := &Rule{HTTP: source}
	route.spoil(rule)
	at := "spec.rules[" + strconv.Itoa(index) + "]"
	rule.readMatches(at, check)
	rule.checkFilters(at)
	rule.checkTimeouts(at)
	rule.readRetry(at)
	b.resolveExternalAuth(route, rule, at)
	b.resolveMirrors(route, rule, at)
	rule.readSession(route, index, at)
	for i := range source.BackendRefs {
		field := at + ".backendRefs[" + strconv.Itoa(i) + "]"
		rule.checkBackendFilters(field, source.BackendRefs[i].Filters)
		ref := b.backendRef(route, rule, field, &source.BackendRefs[i])
		b.checkAffinity(rule, field, ref.Backend)
		rule.Backends = append(rule.Backends, ref)
	}
	return rule
}

// duration is the format of GEP-2257, which is narrower than Go's.
var duration = regexp.MustCompile(`^([0-9]{1,5}(h|m|s|ms)){1,4}$`)

func (r *Rule) checkTimeouts(at string) {
	if r.HTTP.Timeouts == nil {
		return
	}
	request, hasRequest := r.timeout(at+".timeouts.request", r.HTTP.Timeouts.Request)
	backend, hasBackend := r.timeout(at+".timeouts.backendRequest", r.HTTP.Timeouts.BackendRequest)
	if hasRequest && hasBackend && request > 0 && backend > request {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue,
			"%s.timeouts.backendRequest is longer than timeouts.request", at)
	}
}

func (r *Rule) timeout(field string, text *gatewayv1.Duration) (time.Duration, bool) {
	if text == nil {
		return 0, false
	}
	parsed, ok := ParseDuration(*text)
	if !ok {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s %q is not a duration", field, *text)
	}
	return parsed, ok
}

// ParseDuration reads a duration as the Gateway API writes it (GEP-2257).
func ParseDuration(text gatewayv1.Duration) (time.Duration, bool) {
	if !duration.MatchString(string(text)) {
		return 0, false
	}
	parsed, err := time.ParseDuration(string(text))
	return parsed, err == nil
}

func itoa(n int32) string { return strconv.Itoa(int(n)) }
