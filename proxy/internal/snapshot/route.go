package snapshot

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

func routeID(r *proxyconfig.Route) RouteID {
	return RouteID{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

// compiledRoute is a route with what is compiled of it. It belongs to whoever compiles:
// a snapshot that serves reads nothing of it but its rules.
type compiledRoute struct {
	// source is the route in the configuration that serves, and nothing of an earlier one
	// that would be kept in memory by it.
	source *proxyconfig.Route
	rules  []compiledRule
	// targets are the backends that the rules name.
	targets []target
	// placed is where it is attached.
	placed []placement
	// rare is nil for most routes, of which there are tens of thousands.
	rare *rarities
}

// rarities are what few routes have.
type rarities struct {
	// refused is what is refused of the rules, and misplaced of the attachments.
	refused, misplaced []proxyconfig.RefusedItem
	// secret is what the keys of its sessions are derived from; nil where it has
	// none.
	secret []byte
}

// rarely returns a copy of what the route has of rarities, to be changed.
func (c *compiledRoute) rarely() *rarities {
	r := &rarities{}
	if c.rare != nil {
		*r = *c.rare
	}
	c.rare = r
	return r
}

func (c *compiledRoute) refuse(item proxyconfig.RefusedItem) {
	r := c.rarely()
	r.refused = append(r.refused, item)
}

// troubles are what is refused of the route.
func (c *compiledRoute) troubles() []proxyconfig.RefusedItem {
	if c.rare == nil {
		return nil
	}
	return slices.Concat(c.rare.refused, c.rare.misplaced)
}

// target is a backend that a route depends on, with what serves it; nil where
// nothing does. A Cluster that was dropped and came back is another one, and the
// route is compiled anew.
type target struct {
	id        string
	cluster   *balance.Cluster
	transport *Transport
}

// compiledRule is a rule with the matchers that lead to it.
type compiledRule struct {
	matchers []*router.Matcher
	label    string
	// reached has the rule once for each listener that it is reached through. They
	// differ in that alone. One that serves is not written to any more, and one that
	// serves still is what the next snapshot takes.
	reached []*Rule
}

// through returns the rule as reached through a listener. It takes the place of one
// whose listener is no longer current.
func (c *compiledRule) through(l *Listener, series uint32, current func(*Listener) bool) *Rule {
	stale := len(c.reached)
	for i, r := range c.reached {
		switch {
		case r.Listener == nil:
			r.Listener, r.Series = l, series
			return r
		case r.Listener == l && r.Series == series:
			return r
		case !current(r.Listener) || r.Listener == l:
			stale = i
		}
	}
	rule := *c.reached[0]
	rule.Listener, rule.Series = l, series
	if stale == len(c.reached) {
		c.reached = append(c.reached, nil)
	}
	c.reached[stale] = &rule
	return &rule
}

// compileRoute takes over what it can of what the route was before, which may be nil.
func (c *compiler) compileRoute(r *proxyconfig.Route, before *compiledRoute) *compiledRoute {
	if before == nil || !before.reusable(r, c.out) {
		compiled := compileRoute(r, c.out)
		c.out.Compiled++
		c.place(compiled, before)
		return compiled
	}
	if c.stays(before, r) {
		before.source = r
		return before
	}
	compiled := *before
	compiled.source = r
	c.place(&compiled, before)
	return &compiled
}

// reusable says whether the rules, compiled for an earlier snapshot, still are what
// compiling them now would give. What is kept also keeps its place in the sequence by
// which it shares requests among backends.
func (c *compiledRoute) reusable(r *proxyconfig.Route, s *Snapshot) bool {
	for _, t := range c.targets {
		if cluster, transport := s.backends.reach(t.id); cluster != t.cluster || transport != t.transport {
			return false
		}
	}
	if c.rare != nil && c.rare.secret != nil && !bytes.Equal(c.rare.secret, s.secret) {
		return false
	}
	return reflect.DeepEqual(c.source.Rules, r.Rules)
}

// leadsToAny says whether the rules name a backend of a set.
func (c *compiledRoute) leadsToAny(ids map[string]bool) bool {
	return slices.ContainsFunc(c.targets, func(t target) bool { return ids[t.id] })
}

func compileRoute(r *proxyconfig.Route, s *Snapshot) *compiledRoute {
	out := &compiledRoute{source: r, rules: make([]compiledRule, 0, len(r.Rules))}
	for i := range r.Rules {
		out.addRule(r, i, s)
	}
	for i := range r.Rules {
		out.refuseMisfit(r, i, s)
	}
	return out
}

// refuseMisfit refuses a rule that names a backend of which a route of its kind can make
// nothing.
func (c *compiledRoute) refuseMisfit(r *proxyconfig.Route, index int, s *Snapshot) {
	for i := range r.Rules[index].Backends {
		id := r.Rules[index].Backends[i].Backend
		if id == "" {
			continue
		}
		// What the rule is depends on the backend, also where it was refused before.
		c.target(id, s)
		if b, there := s.backends.byID.Get(id); there && !b.serves(r.Kind) {
			c.rules[index].reached[0].Fail = http.StatusInternalServerError
			c.refuse(proxyconfig.RefusedItem{Kind: proxyconfig.KindRule, Name: r.ID(), RouteKind: r.Kind, Rule: index,
				Reason: fmt.Sprintf("backend %q of protocol %q cannot serve a %s", id, b.protocol, r.Kind)})
			return
		}
	}
}

// addRule compiles one rule. One that is refused keeps the matches that are
// sound, and answers 500.
func (c *compiledRoute) addRule(r *proxyconfig.Route, index int, s *Snapshot) {
	in := &r.Rules[index]
	rule := &Rule{Route: routeID(r), Name: in.Name, Index: index}
	err := proxyconfig.ValidateRouteRule(r, in)
	if err == nil {
		err = c.fill(rule, in, s)
	}
	if err != nil {
		rule.Fail = http.StatusInternalServerError
		c.refuse(proxyconfig.RefusedItem{
			Kind: proxyconfig.KindRule, Name: r.ID(), RouteKind: r.Kind, Rule: index, Reason: err.Error(),
		})
	}
	c.rules = append(c.rules, compiledRule{
		matchers: compileMatches(in.Matches), label: ruleLabel(in, index), reached: []*Rule{rule},
	})
}

// compileMatches leaves out what is not sound; validation has named it.
func compileMatches(matches []proxyconfig.Match) []*router.Matcher {
	if len(matches) == 0 {
		matches = []proxyconfig.Match{{}}
	}
	var out []*router.Matcher
	for i := range matches {
		if m, err := router.NewMatcher(&matches[i]); err == nil {
			out = append(out, m)
		}
	}
	return out
}

func (c *compiledRoute) fill(out *Rule, in *proxyconfig.Rule, s *Snapshot) error {
	chain, err := filter.Compile(in.Filters)
	if err != nil {
		return err
	}
	out.Redirect, out.Rewrite = chain.Redirect, chain.Rewrite
	out.RequestHeaders, out.ResponseHeaders = chain.RequestHeaders, chain.ResponseHeaders
	out.CORS, out.Mirrors = chain.CORS, c.mirrors(chain.Mirrors, s)
	if out.ExternalAuth = c.externalAuth(chain.ExternalAuth, s); out.ExternalAuth == nil && chain.ExternalAuth != nil {
		out.Fail = http.StatusInternalServerError
	}
	out.Retry = compileRetry(in.Retry)
	out.RequestTimeout, out.BackendTimeout = timeouts(in.Timeouts)

	backends := make([]*Backend, len(in.Backends))
	weights := make([]int32, len(in.Backends))
	for i := range in.Backends {
		if backends[i], err = c.backend(&in.Backends[i], s); err != nil {
			return err
		}
		if backends[i].Session, err = c.session(in, i, s); err != nil {
			return err
		}
		weights[i] = in.Backends[i].Weight
	}
	out.Backends = balance.NewSplit(backends, weights)
	return nil
}

// backend compiles a reference. One to a backend that is not part of the
// configuration is invalid and keeps its share of the requests, as 500.
func (c *compiledRoute) backend(ref *proxyconfig.BackendRef, s *Snapshot) (*Backend, error) {
	chain, err := filter.Compile(ref.Filters)
	if err != nil {
		return nil, err
	}
	b := &Backend{
		RequestHeaders:  chain.RequestHeaders,
		ResponseHeaders: chain.ResponseHeaders,
		Rewrite:         chain.Rewrite,
	}
	if ref.Backend != "" {
		b.Cluster, b.Transport = c.target(ref.Backend, s)
	}
	return b, nil
}

// target notes that the route depends on a backend, and returns its Cluster,
// which may be nil, and how that is spoken to.
func (c *compiledRoute) target(id string, s *Snapshot) (*balance.Cluster, *Transport) {
	cluster, transport := s.backends.reach(id)
	t := target{id, cluster, transport}
	if !slices.Contains(c.targets, t) {
		c.targets = append(c.targets, t)
	}
	return t.cluster, t.transport
}

func (c *compiledRoute) mirrors(in []*filter.Mirror, s *Snapshot) []Mirror {
	var out []Mirror
	for _, m := range in {
		if cluster, transport := c.target(m.Backend, s); cluster != nil {
			out = append(out, Mirror{Mirror: m, To: &Backend{Cluster: cluster, Transport: transport}})
		}
	}
	return out
}

// externalAuth returns nil where there is nobody to be asked, or nobody who can
// be asked by gRPC.
func (c *compiledRoute) externalAuth(in *filter.ExternalAuth, s *Snapshot) *ExternalAuth {
	if in == nil {
		return nil
	}
	cluster, transport := c.target(in.Backend, s)
	return externalAuth(in, cluster, transport)
}

func externalAuth(in *filter.ExternalAuth, cluster *balance.Cluster, transport *Transport) *ExternalAuth {
	if cluster == nil || in.GRPC && !transport.HTTP2 {
		return nil
	}
	return &ExternalAuth{ExternalAuth: in, To: &Backend{Cluster: cluster, Transport: transport}}
}

// timeouts returns those of a rule. The default of both is none: whoever reads
// a long answer slowly is not to be cut off, and silence is bounded by the engine.
func timeouts(t *proxyconfig.Timeouts) (request, backend time.Duration) {
	if t == nil {
		return 0, 0
	}
	return timeout(t.RequestMillis), timeout(t.BackendRequestMillis)
}

func timeout(millis int64) time.Duration {
	return time.Duration(max(0, millis)) * time.Millisecond
}
