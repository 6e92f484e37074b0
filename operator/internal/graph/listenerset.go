package graph

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// ListenerSet is a ListenerSet that names the Gateway as its parent.
type ListenerSet struct {
	Source *gatewayv1.ListenerSet
	// Listeners are in the order of the spec. There are none while the Gateway
	// does not allow the ListenerSet.
	Listeners []*Listener
	// Problems break Accepted for the ListenerSet as a whole.
	Problems conditions.Problems
}

// Name returns the ListenerSet's namespace and name.
func (s *ListenerSet) Name() types.NamespacedName {
	return types.NamespacedName{Namespace: s.Source.Namespace, Name: s.Source.Name}
}

// renewSets gives ListenerSets of which nothing but the status differs their present
// objects: those that have changed, or all where that is not known.
func (g *Gateway) renewSets(present map[types.NamespacedName]*gatewayv1.ListenerSet, changes *store.Changes) {
	if changes == nil {
		for _, set := range g.ListenerSets {
			set.Source = present[set.Name()]
		}
		return
	}
	for name := range changes.ListenerSets {
		if set := g.setsByName[name]; set != nil {
			set.Source = present[name]
		}
	}
}

// Allowed says whether the Gateway lets the ListenerSet attach.
func (s *ListenerSet) Allowed() bool {
	return !s.Problems.Has(string(gatewayv1.ListenerSetConditionAccepted))
}

// Accepted says whether the ListenerSet adds anything to its Gateway.
func (s *ListenerSet) Accepted() bool {
	return s.Allowed() && slices.ContainsFunc(s.Listeners, (*Listener).Serves)
}

// listenerSets are in the order of precedence: the oldest first, then by
// namespace and name (ListenerSetSpec.listeners).
func (b *builder) listenerSets() []*ListenerSet {
	var sets []*ListenerSet
	for _, source := range b.in.ListenerSets {
		sets = append(sets, b.listenerSet(source))
	}
	slices.SortFunc(sets, CompareListenerSets)
	return sets
}

// CompareListenerSets is the order of Gateway.ListenerSets.
func CompareListenerSets(a, b *ListenerSet) int {
	if byAge := a.Source.CreationTimestamp.Compare(b.Source.CreationTimestamp.Time); byAge != 0 {
		return byAge
	}
	return compareNames(a.Name(), b.Name())
}

func (b *builder) listenerSet(source *gatewayv1.ListenerSet) *ListenerSet {
	set := &ListenerSet{Source: source}
	allowed, problem := b.allowedListeners()
	switch {
	case problem != "":
		set.refuse("the Gateway's spec.allowedListeners.namespaces.selector is not valid: %s", problem)
	case !b.allowsSet(allowed, source):
		set.refuse("the Gateway's spec.allowedListeners lets no ListenerSet of namespace %s attach", source.Namespace)
	case set.checkBroken(b.in):
	default:
		for i := range source.Spec.Listeners {
			entry := gatewayv1.Listener(source.Spec.Listeners[i])
			set.Listeners = append(set.Listeners, b.listener(&entry, set))
		}
	}
	return set
}

func (s *ListenerSet) refuse(format string, args ...any) {
	s.Problems.Add(string(gatewayv1.ListenerSetConditionAccepted), string(gatewayv1.ListenerSetReasonNotAllowed), format, args...)
}

// allowedListeners returns which namespaces' ListenerSets may attach to the
// Gateway: nil stands for its own.
func (b *builder) allowedListeners() (_ labels.Selector, problem string) {
	gateway := b.in.Gateway
	if gateway.Spec.AllowedListeners == nil || gateway.Spec.AllowedListeners.Namespaces == nil {
		return labels.Nothing(), ""
	}
	namespaces := gateway.Spec.AllowedListeners.Namespaces
	switch value(namespaces.From, gatewayv1.NamespacesFromNone) {
	case gatewayv1.NamespacesFromSame:
		return nil, ""
	case gatewayv1.NamespacesFromAll:
		return labels.Everything(), ""
	case gatewayv1.NamespacesFromSelector:
		selector, err := metav1.LabelSelectorAsSelector(namespaces.Selector)
		if err != nil {
			return labels.Nothing(), err.Error()
		}
		return selector, ""
	}
	return labels.Nothing(), ""
}

func (b *builder) allowsSet(allowed labels.Selector, set *gatewayv1.ListenerSet) bool {
	if allowed == nil {
		return set.Namespace == b.in.Gateway.Namespace
	}
	return allowed.Matches(b.labelsOf(set.Namespace))
}

// labelsOf returns the labels of a namespace.
func (b *builder) labelsOf(namespace string) labels.Set {
	if ns := b.in.Namespaces[namespace]; ns != nil {
		return ns.Labels
	}
	return nil
}
