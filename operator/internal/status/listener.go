package status

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

func (b *builder) listener(l *graph.Listener) gatewayv1.ListenerStatus {
	out := gatewayv1.ListenerStatus{
		Name:           l.Source.Name,
		SupportedKinds: l.Kinds,
		AttachedRoutes: b.attachedRoutes(l),
		Conditions: []metav1.Condition{
			b.listenerCondition(l, gatewayv1.ListenerConditionAccepted,
				gatewayv1.ListenerReasonAccepted, note("The listener is accepted", l.Notes)),
			b.listenerProgrammed(l),
			b.listenerCondition(l, gatewayv1.ListenerConditionResolvedRefs,
				gatewayv1.ListenerReasonResolvedRefs, "All references are resolved"),
			b.conflicted(l),
		},
	}
	if l.Overlapping() {
		out.Conditions = append(out.Conditions, b.overlapping(l))
	}
	return out
}

// generationOf returns the generation of the object that the listener is part
// of.
func generationOf(l *graph.Listener, gateway *graph.Gateway) int64 {
	if l.Set != nil {
		return l.Set.Source.Generation
	}
	return gateway.Source.Generation
}

// overlapping is there only while it is true (ListenerConditionOverlappingTLSConfig).
// Certificates give the reason where hostnames do so, too.
func (b *builder) overlapping(l *graph.Listener) metav1.Condition {
	const may = "A client that reuses a connection may mean one of the listeners"
	reason := gatewayv1.ListenerReasonOverlappingHostnames
	var messages []string
	if len(l.SharedCertificates.Named) > 0 {
		reason = gatewayv1.ListenerReasonOverlappingCertificates
		messages = append(messages, may+" with certificates for the same hosts: "+namesOf(l, l.SharedCertificates))
	}
	if len(l.Overlaps.Named) > 0 {
		messages = append(messages, may+" whose hostnames overlap: "+namesOf(l, l.Overlaps))
	}
	return condition(gatewayv1.ListenerConditionOverlappingTLSConfig, metav1.ConditionTrue, reason,
		conditions.Join(messages), generationOf(l, b.gateway))
}

func namesOf(l *graph.Listener, others graph.Peers) string {
	var names []string
	for _, other := range others.Named {
		names = append(names, l.NameOf(other))
	}
	if others.More {
		names = append(names, "and others")
	}
	return strings.Join(names, ", ")
}

// attachedRoutes counts the routes whose Accepted condition is True.
func (b *builder) attachedRoutes(l *graph.Listener) int32 {
	count := len(l.Routes)
	if len(b.rejected) > 0 {
		for _, route := range l.Routes {
			if b.rejected[route] {
				count--
			}
		}
	}
	return int32(count)
}

func (b *builder) listenerCondition(l *graph.Listener, typ gatewayv1.ListenerConditionType, fine gatewayv1.ListenerConditionReason, message string) metav1.Condition {
	generation := generationOf(l, b.gateway)
	problems := l.Refusals()
	if problem, bad := problems.First(string(typ)); bad {
		return condition(typ, metav1.ConditionFalse, problem.Reason, problems.Message(string(typ)), generation)
	}
	return condition(typ, metav1.ConditionTrue, fine, message, generation)
}

func (b *builder) conflicted(l *graph.Listener) metav1.Condition {
	const typ = gatewayv1.ListenerConditionConflicted
	generation := generationOf(l, b.gateway)
	if problem, bad := l.Problems.First(string(typ)); bad {
		return condition(typ, metav1.ConditionTrue, problem.Reason, l.Problems.Message(string(typ)), generation)
	}
	return condition(typ, metav1.ConditionFalse, gatewayv1.ListenerReasonNoConflicts, "No other listener is in the way", generation)
}

// listenerProgrammed follows the Gateway's condition: a listener is programmed
// when it is part of what the proxies serve.
func (b *builder) listenerProgrammed(l *graph.Listener) metav1.Condition {
	const typ = gatewayv1.ListenerConditionProgrammed
	generation := generationOf(l, b.gateway)
	if reason, message := b.listenerObstacle(l); reason != "" {
		return condition(typ, metav1.ConditionFalse, reason, message, generation)
	}
	return condition(typ, metav1.ConditionTrue, gatewayv1.ListenerReasonProgrammed, "The proxies serve the listener", generation)
}

func (b *builder) listenerObstacle(l *graph.Listener) (gatewayv1.ListenerConditionReason, string) {
	if problem, bad := l.Problems.First(string(gatewayv1.ListenerConditionConflicted)); bad {
		return gatewayv1.ListenerConditionReason(problem.Reason), problem.Message
	}
	if !l.Serves() {
		return gatewayv1.ListenerReasonInvalid, "The listener cannot be served"
	}
	if !l.Sound() {
		return gatewayv1.ListenerReasonInvalid, "The listener answers every request with 500, as its filters are not valid"
	}
	for _, kind := range []string{proxyconfig.KindListener, proxyconfig.KindCertificate} {
		if why, bad := b.refused[item{kind: kind, name: l.ID()}]; bad {
			return gatewayv1.ListenerReasonInvalid, "The proxies refuse it: " + why
		}
	}
	if why, bad := b.oversize[item{kind: proxyconfig.KindListener, name: l.ID()}]; bad {
		return ReasonConfigTooLarge, "The listener is not served: " + why
	}
	if b.obstacle.reason != "" {
		return gatewayv1.ListenerReasonPending, b.obstacle.message
	}
	if b.observed.Serving < b.observed.Ready && !b.listenerStood(l) {
		return gatewayv1.ListenerReasonPending, b.count()
	}
	return "", ""
}

// listenerStood says whether the listener was programmed in this generation
// already. One that became servable since, by a Secret that was missing, has to
// wait for the proxies even while the Gateway as a whole is programmed.
func (b *builder) listenerStood(l *graph.Listener) bool {
	return stands(conditions.Find(b.liveConditions(l), string(gatewayv1.ListenerConditionProgrammed)), generationOf(l, b.gateway))
}

// liveConditions are those that the listener has in the status as it is.
func (b *builder) liveConditions(l *graph.Listener) []metav1.Condition {
	if l.Set != nil {
		for _, live := range l.Set.Source.Status.Listeners {
			if live.Name == l.Source.Name {
				return live.Conditions
			}
		}
		return nil
	}
	for _, live := range b.gateway.Source.Status.Listeners {
		if live.Name == l.Source.Name {
			return live.Conditions
		}
	}
	return nil
}

// note adds to a message what has no effect though it was asked for.
func note(message string, notes []string) string {
	if len(notes) == 0 {
		return message
	}
	return message + "; " + strings.Join(notes, "; ")
}
