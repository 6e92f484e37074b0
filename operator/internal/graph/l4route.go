package graph

import (
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// L4Rule is a rule of a TLSRoute, TCPRoute or UDPRoute, as it was written.
type L4Rule struct {
	Name        *gatewayv1.SectionName
	BackendRefs []gatewayv1.BackendRef
}

// l4Source is what the kinds of routes below HTTP have in common.
type l4Source struct {
	kind  string
	meta  *metav1.ObjectMeta
	rules []L4Rule
	// hostnames are those of a TLSRoute; it needs at least one.
	hostnames []gatewayv1.Hostname
}

func l4SourceOf(route store.Route) l4Source {
	switch r := route.(type) {
	case *gatewayv1.TCPRoute:
		return l4Source{KindTCPRoute, &r.ObjectMeta, l4Rules(r.Spec.Rules, func(rule gatewayv1.TCPRouteRule) L4Rule { return L4Rule(rule) }), nil}
	case *gatewayv1.TLSRoute:
		return l4Source{KindTLSRoute, &r.ObjectMeta, l4Rules(r.Spec.Rules, func(rule gatewayv1.TLSRouteRule) L4Rule { return L4Rule(rule) }), r.Spec.Hostnames}
	case *gatewayv1.UDPRoute:
		return l4Source{KindUDPRoute, &r.ObjectMeta, l4Rules(r.Spec.Rules, func(rule gatewayv1.UDPRouteRule) L4Rule { return L4Rule(rule) }), nil}
	}
	panic("a route of no kind below HTTP")
}

func l4Rules[R any](rules []R, convert func(R) L4Rule) []L4Rule {
	out := make([]L4Rule, len(rules))
	for i, rule := range rules {
		out[i] = convert(rule)
	}
	return out
}

func (b *builder) l4Route(object store.Route) *Route {
	source := l4SourceOf(object)
	route := &Route{
		Kind: source.kind,
		Name: types.NamespacedName{Namespace: source.meta.Namespace, Name: source.meta.Name},
		Meta: source.meta,
	}
	route.readHostnames(source.hostnames)
	if source.kind == KindTLSRoute && len(source.hostnames) == 0 {
		route.refuse("spec.hostnames is empty")
	}
	// A connection has nothing that would tell the rules apart.
	if len(source.rules) > 1 {
		route.refuse("spec.rules has %d rules; a %s has one", len(source.rules), source.kind)
	}
	for i := range source.rules {
		route.Rules = append(route.Rules, b.l4Rule(route, i, &source.rules[i]))
	}
	return route
}

func (r *Route) refuse(format string, args ...any) {
	r.Problems.Add(string(gatewayv1.RouteConditionAccepted), string(gatewayv1.RouteReasonUnsupportedValue), format, args...)
}

func (b *builder) l4Rule(route *Route, index int, source *L4Rule) *Rule {
	rule := &Rule{L4: source}
	route.spoil(rule)
	for i := range source.BackendRefs {
		field := "spec.rules[" + strconv.Itoa(index) + "].backendRefs[" + strconv.Itoa(i) + "]"
		rule.Backends = append(rule.Backends, b.backendRef(route, rule, field, &gatewayv1.HTTPBackendRef{BackendRef: source.BackendRefs[i]}))
	}
	return rule
}

// checkTrust looks for backends that no connection can be made to, as their
// BackendTLSPolicy is not valid. One that is passed through has its own TLS.
func (r *Route) checkTrust() {
	if !r.ownsTLS() {
		return
	}
	for i, rule := range r.Rules {
		for j, ref := range rule.Backends {
			if ref.Backend != nil && ref.Backend.Distrust != "" {
				rule.unresolved(ReasonInvalidPolicy, "spec.rules[%d].backendRefs[%d]: %s", i, j, ref.Backend.distrust(r.Name.Namespace))
			}
		}
	}
}

// ownsTLS says whether some listener of the route does not pass TLS through, so
// that it is the proxies that may have to encrypt.
func (r *Route) ownsTLS() bool {
	return slices.ContainsFunc(r.Parents, func(p *Parent) bool {
		return slices.ContainsFunc(p.Attachments, func(a Attachment) bool { return !a.Listener.passesThrough() })
	})
}
