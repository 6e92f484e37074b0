package status

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// MergeGateway brings want into the status that a Gateway has, and returns the
// result with whether it differs. Conditions of types that are not ours stay.
// The live status is not changed.
func MergeGateway(live gatewayv1.GatewayStatus, want *Gateway, at conditions.Moment) (gatewayv1.GatewayStatus, bool) {
	merged := live
	merged.Addresses = addressesAfter(live, want)
	merged.AttachedListenerSets = want.AttachedListenerSets
	merged.Conditions, _ = conditions.Merge(live.Conditions, want.Conditions, gatewayConditions(), at)
	merged.Listeners = mergeListeners(live.Listeners, want.Listeners, at)
	return merged, !equality.Semantic.DeepEqual(live, merged)
}

// addressesAfter are the wanted addresses, without their routability where that
// would not be kept: the CRDs of the standard channel do not have the field, and
// writing it again would never end. Where it is not known, it is written once.
func addressesAfter(live gatewayv1.GatewayStatus, want *Gateway) []gatewayv1.GatewayStatusAddress {
	written := conditions.Find(live.Conditions, string(gatewayv1.GatewayConditionAddressesAssigned)) != nil && len(live.Addresses) > 0
	kept := slices.ContainsFunc(live.Addresses, func(a gatewayv1.GatewayStatusAddress) bool { return a.Routability != nil })
	if want.Routability == Kept || want.Routability == "" && (!written || kept) {
		return want.Addresses
	}
	plain := slices.Clone(want.Addresses)
	for i := range plain {
		plain[i].Routability = nil
	}
	return plain
}

// MergeListenerSet brings want into the status that a ListenerSet has, as
// MergeGateway does.
func MergeListenerSet(live gatewayv1.ListenerSetStatus, want *ListenerSet, at conditions.Moment) (gatewayv1.ListenerSetStatus, bool) {
	merged := live
	merged.Conditions, _ = conditions.Merge(live.Conditions, want.Conditions, listenerSetConditions(), at)
	had := make([]gatewayv1.ListenerStatus, len(live.Listeners))
	for i, entry := range live.Listeners {
		had[i] = gatewayv1.ListenerStatus(entry)
	}
	merged.Listeners = nil
	for _, listener := range mergeListeners(had, want.Listeners, at) {
		merged.Listeners = append(merged.Listeners, gatewayv1.ListenerEntryStatus(listener))
	}
	return merged, !equality.Semantic.DeepEqual(live, merged)
}

func mergeListeners(live, want []gatewayv1.ListenerStatus, at conditions.Moment) []gatewayv1.ListenerStatus {
	merged := make([]gatewayv1.ListenerStatus, 0, len(want))
	for _, listener := range want {
		var had []metav1.Condition
		if i := slices.IndexFunc(live, func(l gatewayv1.ListenerStatus) bool { return l.Name == listener.Name }); i >= 0 {
			had = live[i].Conditions
		}
		listener.Conditions, _ = conditions.Merge(had, listener.Conditions, listenerConditions(), at)
		merged = append(merged, listener)
	}
	return merged
}

// MergeClass brings want into the status that a GatewayClass has, as
// MergeGateway does.
func MergeClass(live gatewayv1.GatewayClassStatus, want *Class, at conditions.Moment) (gatewayv1.GatewayClassStatus, bool) {
	merged := live
	merged.Conditions, _ = conditions.Merge(live.Conditions, want.Conditions, classConditions(), at)
	merged.SupportedFeatures = want.SupportedFeatures
	return merged, !equality.Semantic.DeepEqual(live, merged)
}

// maxParents is how many entries the schema allows.
const maxParents = 32

// MergeRoute brings want into the parents that a route's status has, and
// returns the result with whether it differs. Entries of other controllers and
// of other Gateways keep their place and content; ours are replaced where they
// are, removed when the route no longer names that parent, and appended when
// they are new. The live entries are not changed.
func MergeRoute(live []gatewayv1.RouteParentStatus, want *Route, at conditions.Moment) ([]gatewayv1.RouteParentStatus, bool) {
	merged := make([]gatewayv1.RouteParentStatus, 0, len(live)+len(want.Parents))
	used := make([]bool, len(want.Parents))
	for _, have := range live {
		if !want.owns(&have) {
			merged = append(merged, have)
			continue
		}
		if i := want.find(&have, used); i >= 0 {
			used[i] = true
			merged = append(merged, mergeParent(have, want.Parents[i], at))
		}
	}
	for i, parent := range want.Parents {
		if !used[i] && len(merged) < maxParents {
			merged = append(merged, mergeParent(gatewayv1.RouteParentStatus{}, parent, at))
		}
	}
	return merged, !equality.Semantic.DeepEqual(live, merged)
}

// LeftOut says whether there was no room for some of the parents among those that a
// merge has left.
func (r *Route) LeftOut(merged []gatewayv1.RouteParentStatus) bool {
	placed := 0
	for i := range merged {
		if r.owns(&merged[i]) {
			placed++
		}
	}
	return placed < len(r.Parents)
}

func mergeParent(have, want gatewayv1.RouteParentStatus, at conditions.Moment) gatewayv1.RouteParentStatus {
	want.Conditions, _ = conditions.Merge(have.Conditions, want.Conditions, routeConditions(), at)
	return want
}

// owns says whether the entry is one of ours for the Gateway or for one of its
// ListenerSets.
func (r *Route) owns(entry *gatewayv1.RouteParentStatus) bool {
	if entry.ControllerName != r.Controller {
		return false
	}
	switch parent := r.parentOf(&entry.ParentRef); parent.kind {
	case "Gateway":
		return parent.name == r.Gateway
	case store.KindListenerSet:
		return r.ListenerSets.Has(parent.name)
	}
	return false
}

// parent identifies the object that a parentRef names.
type parent struct {
	kind gatewayv1.Kind
	name types.NamespacedName
}

// parentOf returns the zero value for a reference into another group.
func (r *Route) parentOf(ref *gatewayv1.ParentReference) parent {
	if ref.Group != nil && *ref.Group != gatewayv1.GroupName {
		return parent{}
	}
	p := parent{kind: "Gateway", name: types.NamespacedName{Namespace: r.Name.Namespace, Name: string(ref.Name)}}
	if ref.Kind != nil {
		p.kind = *ref.Kind
	}
	if ref.Namespace != nil {
		p.name.Namespace = string(*ref.Namespace)
	}
	return p
}

// find returns the wanted entry for the same parent, listener and port.
func (r *Route) find(have *gatewayv1.RouteParentStatus, used []bool) int {
	for i := range r.Parents {
		want := &r.Parents[i].ParentRef
		if !used[i] && r.parentOf(want) == r.parentOf(&have.ParentRef) &&
			equal(want.SectionName, have.ParentRef.SectionName) && equal(want.Port, have.ParentRef.Port) {
			return i
		}
	}
	return -1
}

func equal[T comparable](a, b *T) bool {
	return a == b || (a != nil && b != nil && *a == *b)
}

func gatewayConditions() []string {
	return []string{
		string(gatewayv1.GatewayConditionAccepted),
		string(gatewayv1.GatewayConditionProgrammed),
		string(gatewayv1.GatewayConditionResolvedRefs),
		string(gatewayv1.GatewayConditionInsecureFrontendValidationMode),
		string(gatewayv1.GatewayConditionAddressesAssigned),
		string(ConditionDefaultGateway),
		string(ConditionParametersAccepted),
		string(ConditionScraped),
	}
}

func listenerSetConditions() []string {
	return []string{
		string(gatewayv1.ListenerSetConditionAccepted),
		string(gatewayv1.ListenerSetConditionProgrammed),
	}
}

func listenerConditions() []string {
	return []string{
		string(gatewayv1.ListenerConditionAccepted),
		string(gatewayv1.ListenerConditionProgrammed),
		string(gatewayv1.ListenerConditionResolvedRefs),
		string(gatewayv1.ListenerConditionConflicted),
		string(gatewayv1.ListenerConditionOverlappingTLSConfig),
	}
}

func routeConditions() []string {
	return []string{
		string(gatewayv1.RouteConditionAccepted),
		string(gatewayv1.RouteConditionResolvedRefs),
		string(gatewayv1.RouteConditionPartiallyInvalid),
	}
}

func classConditions() []string {
	return []string{
		string(gatewayv1.GatewayClassConditionStatusAccepted),
		string(gatewayv1.GatewayClassConditionStatusSupportedVersion),
	}
}
