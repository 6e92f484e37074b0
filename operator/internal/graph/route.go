package graph

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// Route is a route of any kind that names the Gateway as a parent.
type Route struct {
	Kind string
	Name types.NamespacedName
	// Meta is the object's metadata.
	Meta *metav1.ObjectMeta
	// Parents are the parentRefs to this Gateway and to its ListenerSets, in the
	// order of the spec.
	Parents []*Parent
	// Rules are in the order of the spec, the bad ones included.
	Rules []*Rule
	// Problems break Accepted for the route as a whole.
	Problems conditions.Problems

	// hostnames are the valid ones, in lower case.
	hostnames []string
	// memo is how a Memory knows the route again; nil where it does not.
	memo *remembered
}

// Parent is one parentRef of a route to the Gateway or to one of its
// ListenerSets.
type Parent struct {
	Ref gatewayv1.ParentReference
	// Attachments are the listeners that let the route attach, in the order of
	// the Gateway's spec, whether they are served or not.
	Attachments []Attachment
	// Problems say why there is no attachment.
	Problems conditions.Problems
	// Notes tell of listeners that the route had to leave to others.
	Notes []string
}

// Attachment is a listener with the hostnames that the route has on it.
type Attachment struct {
	Listener *Listener
	// Hostnames are sorted; a single empty one stands for any host. A TLSRoute or
	// TCPRoute may have lost all of them to more specific ones.
	Hostnames []string
	// Written has, for each of Hostnames, what the route has written. It is nil
	// where no other route comes to the same from something else.
	Written []string
}

// Valid says whether anything of the route, by itself, can be served. A route
// whose rules are all invalid is not accepted; its rules are still attached,
// and answer 500.
func (r *Route) Valid() bool {
	if r.Problems.Has(string(gatewayv1.RouteConditionAccepted)) {
		return false
	}
	for _, rule := range r.Rules {
		if !rule.Invalid() {
			return true
		}
	}
	return len(r.Rules) == 0
}

// attach connects the route with the listeners that its parentRefs select.
func (b *builder) attach(route *Route, refs []gatewayv1.ParentReference, gateway *Gateway) {
	for _, ref := range refs {
		if name, is := store.ParentGateway(route.Name.Namespace, &ref); is && name == gateway.Name() {
			route.Parents = append(route.Parents, b.parent(route, ref, gateway.Listeners))
		}
		if name, is := store.ParentListenerSet(route.Name.Namespace, &ref); is && gateway.setsByName[name] != nil {
			route.Parents = append(route.Parents, b.setParent(route, ref, gateway.setsByName[name]))
		}
	}
}

// setParent is parent for a reference to a ListenerSet.
func (b *builder) setParent(route *Route, ref gatewayv1.ParentReference, set *ListenerSet) *Parent {
	if !set.Allowed() {
		p := &Parent{Ref: ref}
		p.refuse(gatewayv1.RouteReasonNoMatchingParent, "the ListenerSet is not accepted: %s",
			set.Problems.Message(string(gatewayv1.ListenerSetConditionAccepted)))
		return p
	}
	return b.parent(route, ref, set.Listeners)
}

// parent applies the three steps of attachment. Each names a reason of its own
// when it leaves no listener: selected by the reference, allowed by the
// listener, and with a hostname in common.
func (b *builder) parent(route *Route, ref gatewayv1.ParentReference, listeners []*Listener) *Parent {
	p := &Parent{Ref: ref}
	selected := filter(listeners, func(l *Listener) bool {
		return (ref.SectionName == nil || *ref.SectionName == l.Source.Name) &&
			(ref.Port == nil || *ref.Port == l.Source.Port)
	})
	if len(selected) == 0 {
		p.refuse(gatewayv1.RouteReasonNoMatchingParent, "the %s has no listener with %s", value(ref.Kind, "Gateway"), section(ref))
		return p
	}
	allowed := filter(selected, func(l *Listener) bool { return b.allows(l, route) })
	if len(allowed) == 0 {
		p.refuse(gatewayv1.RouteReasonNotAllowedByListeners,
			"allowedRoutes of %s let no %s of namespace %s attach", listNames(selected), route.Kind, route.Name.Namespace)
		return p
	}
	spoilt := route.Problems.Has(string(gatewayv1.RouteConditionAccepted))
	if spoilt && !route.answers() {
		return p
	}
	for _, l := range allowed {
		if common := intersect(l.Hostname, route.hostnames); len(common) > 0 {
			p.Attachments = append(p.Attachments, Attachment{Listener: l, Hostnames: common})
		}
	}
	if len(p.Attachments) == 0 && !spoilt {
		p.refuse(gatewayv1.RouteReasonNoMatchingListenerHostname,
			"spec.hostnames (%s) and the hostnames of %s have nothing in common",
			strings.Join(route.hostnames, ", "), listNames(allowed))
	}
	return p
}

func (p *Parent) refuse(reason gatewayv1.RouteConditionReason, format string, args ...any) {
	p.Problems.Add(string(gatewayv1.RouteConditionAccepted), string(reason), format, args...)
}

// countAttachments enters the route at its listeners. A route that two of its
// parentRefs attach to the same listener counts once.
func (r *Route) countAttachments() {
	if !r.Valid() {
		return
	}
	for _, parent := range r.Parents {
		for _, attachment := range parent.Attachments {
			l := attachment.Listener
			if n := len(l.Routes); n == 0 || l.Routes[n-1] != r {
				l.Routes = append(l.Routes, r)
			}
		}
	}
}

func (r *Route) readHostnames(source []gatewayv1.Hostname) {
	for i, hostname := range source {
		name := strings.ToLower(string(hostname))
		if !validHostname(name) {
			r.Problems.Add(string(gatewayv1.RouteConditionAccepted), string(gatewayv1.RouteReasonUnsupportedValue),
				"spec.hostnames[%d] %q is not valid", i, hostname)
			continue
		}
		r.hostnames = append(r.hostnames, name)
	}
}

// answers says whether a route with problems keeps what is its from others: requests
// by answering them with 500, connections to its servers by closing them. Without a
// valid hostname it is not known which are its.
func (r *Route) answers() bool {
	return len(r.hostnames) > 0 && (r.Kind == KindHTTPRoute || r.Kind == KindGRPCRoute || r.Kind == KindTLSRoute)
}

// spoil has the rule serve nothing when something is wrong with the route as a whole.
func (r *Route) spoil(rule *Rule) {
	if message := r.Problems.Message(string(gatewayv1.RouteConditionAccepted)); message != "" {
		rule.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s", message)
	}
}

func filter(listeners []*Listener, keep func(*Listener) bool) []*Listener {
	var kept []*Listener
	for _, l := range listeners {
		if keep(l) {
			kept = append(kept, l)
		}
	}
	return kept
}

func section(ref gatewayv1.ParentReference) string {
	var wanted []string
	if ref.SectionName != nil {
		wanted = append(wanted, "name "+string(*ref.SectionName))
	}
	if ref.Port != nil {
		wanted = append(wanted, "port "+itoa(*ref.Port))
	}
	return strings.Join(wanted, " and ")
}

func listNames(listeners []*Listener) string {
	var list []string
	for _, l := range listeners {
		list = append(list, string(l.Source.Name))
	}
	if len(list) == 1 {
		return "listener " + list[0]
	}
	return "listeners " + strings.Join(list, ", ")
}
