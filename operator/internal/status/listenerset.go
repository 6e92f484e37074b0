package status

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// ListenerSet is the desired status of a ListenerSet.
type ListenerSet struct {
	Name       types.NamespacedName
	Generation int64
	Conditions []metav1.Condition
	// Listeners are in the order of the spec.
	Listeners []gatewayv1.ListenerStatus
}

// Same says whether two are one.
func (s *ListenerSet) Same(o *ListenerSet) bool {
	return s == o || s.Name == o.Name && s.Generation == o.Generation && slices.Equal(s.Conditions, o.Conditions) &&
		slices.EqualFunc(s.Listeners, o.Listeners, sameListener)
}

func sameListener(a, b gatewayv1.ListenerStatus) bool {
	return a.Name == b.Name && a.AttachedRoutes == b.AttachedRoutes && slices.Equal(a.Conditions, b.Conditions) &&
		slices.EqualFunc(a.SupportedKinds, b.SupportedKinds, func(a, b gatewayv1.RouteGroupKind) bool {
			return a.Kind == b.Kind && equal(a.Group, b.Group)
		})
}

// ReasonParentNotProgrammed is a reason of ListenerSetConditionProgrammed for
// which the Gateway API has no constant.
const ReasonParentNotProgrammed gatewayv1.ListenerSetConditionReason = "ParentNotProgrammed"

func (b *builder) listenerSet(node *graph.ListenerSet) *ListenerSet {
	out := &ListenerSet{
		Name: node.Name(), Generation: node.Source.Generation,
		Listeners: make([]gatewayv1.ListenerStatus, 0, len(node.Listeners)),
	}
	for _, listener := range node.Listeners {
		out.Listeners = append(out.Listeners, b.listener(listener))
	}
	accepted := b.setAccepted(node)
	out.Conditions = []metav1.Condition{accepted, b.setProgrammed(node, accepted, out.Listeners)}
	return out
}

func (b *builder) setAccepted(node *graph.ListenerSet) metav1.Condition {
	const typ = gatewayv1.ListenerSetConditionAccepted
	generation := node.Source.Generation
	refuse := func(reason gatewayv1.ListenerSetConditionReason, message string) metav1.Condition {
		return condition(typ, metav1.ConditionFalse, reason, message, generation)
	}
	if problem, bad := node.Problems.First(string(typ)); bad {
		return refuse(gatewayv1.ListenerSetConditionReason(problem.Reason), node.Problems.Message(string(typ)))
	}
	if b.gateway.Problems.Has(string(gatewayv1.GatewayConditionAccepted)) {
		return refuse(gatewayv1.ListenerSetReasonParentNotAccepted, "The Gateway is not accepted")
	}
	bad := unservedListeners(node.Listeners)
	switch {
	case !node.Accepted():
		return refuse(gatewayv1.ListenerSetReasonListenersNotValid, "No listener can be served: "+strings.Join(bad, ", "))
	case len(bad) > 0:
		return condition(typ, metav1.ConditionTrue, gatewayv1.ListenerSetReasonListenersNotValid,
			"The ListenerSet is accepted without the listeners: "+strings.Join(bad, ", "), generation)
	}
	return condition(typ, metav1.ConditionTrue, gatewayv1.ListenerSetReasonAccepted, "The ListenerSet is accepted", generation)
}

// OrphanedListenerSet returns the conditions of a ListenerSet of ours whose Gateway
// does not exist.
func OrphanedListenerSet(set *gatewayv1.ListenerSet) []metav1.Condition {
	text := "spec.parentRef names Gateway " + string(set.Spec.ParentRef.Name) + ", which does not exist"
	return []metav1.Condition{
		condition(gatewayv1.ListenerSetConditionAccepted, metav1.ConditionFalse, gatewayv1.ListenerSetReasonParentNotAccepted, text, set.Generation),
		condition(gatewayv1.ListenerSetConditionProgrammed, metav1.ConditionFalse, ReasonParentNotProgrammed, text, set.Generation),
	}
}

// unservedListeners names the listeners that no proxy serves the routes of.
func unservedListeners(listeners []*graph.Listener) []string {
	var list []string
	for _, l := range listeners {
		if l.Sound() {
			continue
		}
		reason := "ResolvedRefs"
		if problem, bad := l.Refusals().First(string(gatewayv1.ListenerConditionAccepted)); bad {
			reason = problem.Reason
		} else if problem, bad := l.Problems.First(string(gatewayv1.ListenerConditionResolvedRefs)); bad {
			reason = problem.Reason
		}
		list = append(list, fmt.Sprintf("%s (%s)", l.Source.Name, reason))
	}
	return list
}

// setProgrammed follows the listeners that can be served. The status of those
// that cannot is their own.
func (b *builder) setProgrammed(node *graph.ListenerSet, accepted metav1.Condition, listeners []gatewayv1.ListenerStatus) metav1.Condition {
	const typ = gatewayv1.ListenerSetConditionProgrammed
	generation := node.Source.Generation
	if accepted.Status != metav1.ConditionTrue {
		return condition(typ, metav1.ConditionFalse, accepted.Reason, accepted.Message, generation)
	}
	if b.obstacle.reason != "" {
		return condition(typ, metav1.ConditionFalse, ReasonParentNotProgrammed, b.obstacle.message, generation)
	}
	for i, l := range node.Listeners {
		programmed := conditions.Find(listeners[i].Conditions, string(gatewayv1.ListenerConditionProgrammed))
		if l.Sound() && programmed.Status != metav1.ConditionTrue {
			return condition(typ, metav1.ConditionFalse, programmed.Reason, fmt.Sprintf("listener %s: %s", l.Source.Name, programmed.Message), generation)
		}
	}
	return condition(typ, metav1.ConditionTrue, gatewayv1.ListenerSetReasonProgrammed, "The proxies serve the listeners", generation)
}

// attachedListenerSets counts the accepted ones.
func attachedListenerSets(sets []*ListenerSet) *int32 {
	var count int32
	for _, set := range sets {
		if conditions.Find(set.Conditions, string(gatewayv1.ListenerSetConditionAccepted)).Status == metav1.ConditionTrue {
			count++
		}
	}
	if count == 0 {
		return nil
	}
	return &count
}
