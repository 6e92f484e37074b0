package status

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// ConditionDefaultGateway is true for a Gateway that claims routes which do not name
// it, and not there otherwise. GEP-3793 has it, and the Gateway API no constants
// for it.
const (
	ConditionDefaultGateway gatewayv1.GatewayConditionType   = "DefaultGateway"
	ReasonDefaultGateway    gatewayv1.GatewayConditionReason = "DefaultGateway"
)

func (b *builder) gatewayStatus() *Gateway {
	out := &Gateway{
		Name:       b.gateway.Name(),
		Generation: b.gateway.Source.Generation,
		Addresses:  assign(b.gateway.Requests, &b.observed).addresses,
		Conditions: []metav1.Condition{b.accepted(), b.programmed(), b.resolvedRefs()},
	}
	if fields := b.gateway.InsecureFrontend(); len(fields) > 0 {
		out.Conditions = append(out.Conditions, b.gatewayCondition(
			gatewayv1.GatewayConditionInsecureFrontendValidationMode, metav1.ConditionTrue, gatewayv1.GatewayReasonConfigurationChanged,
			"Clients are served whatever certificate they present: "+strings.Join(fields, ", ")))
	}
	if b.gateway.Accepted() {
		out.Conditions = append(out.Conditions, b.addressesAssigned())
	}
	if store.ClaimsDefaults(b.gateway.Source) {
		out.Conditions = append(out.Conditions, b.gatewayCondition(ConditionDefaultGateway, metav1.ConditionTrue, ReasonDefaultGateway,
			"The Gateway has the default scope "+string(b.gateway.Source.Spec.DefaultScope)))
	}
	if b.gateway.Parameterized() {
		out.Conditions = append(out.Conditions, b.parametersAccepted())
	}
	if b.observed.Scraping != nil {
		out.Conditions = append(out.Conditions, b.scraped(b.observed.Scraping))
	}
	for _, listener := range b.gateway.Listeners {
		out.Listeners = append(out.Listeners, b.listener(listener))
	}
	return out
}

func (b *builder) gatewayCondition(typ gatewayv1.GatewayConditionType, status metav1.ConditionStatus, reason gatewayv1.GatewayConditionReason, message string) metav1.Condition {
	return condition(typ, status, reason, message, b.gateway.Source.Generation)
}

func (b *builder) accepted() metav1.Condition {
	const typ = gatewayv1.GatewayConditionAccepted
	if problem, bad := b.gateway.Problems.First(string(typ)); bad {
		return b.gatewayCondition(typ, metav1.ConditionFalse,
			gatewayv1.GatewayConditionReason(problem.Reason), b.gateway.Problems.Message(string(typ)))
	}
	bad := refusedListeners(b.gateway.Listeners)
	switch {
	case !b.gateway.Accepted():
		return b.gatewayCondition(typ, metav1.ConditionFalse, gatewayv1.GatewayReasonListenersNotValid,
			"No listener is accepted: "+strings.Join(bad, ", "))
	case len(bad) > 0:
		return b.gatewayCondition(typ, metav1.ConditionTrue, gatewayv1.GatewayReasonListenersNotValid,
			"The Gateway is accepted without the listeners: "+strings.Join(bad, ", "))
	}
	return b.gatewayCondition(typ, metav1.ConditionTrue, gatewayv1.GatewayReasonAccepted, "The Gateway is accepted")
}

func refusedListeners(listeners []*graph.Listener) []string {
	var list []string
	for _, listener := range listeners {
		if problem, bad := listener.Refusals().First(string(gatewayv1.ListenerConditionAccepted)); bad {
			list = append(list, fmt.Sprintf("%s (%s)", listener.Source.Name, problem.Reason))
		}
	}
	return list
}

func (b *builder) resolvedRefs() metav1.Condition {
	const typ = gatewayv1.GatewayConditionResolvedRefs
	if problem, bad := b.gateway.Problems.First(string(typ)); bad {
		return b.gatewayCondition(typ, metav1.ConditionFalse,
			gatewayv1.GatewayConditionReason(problem.Reason), b.gateway.Problems.Message(string(typ)))
	}
	var bad []string
	for _, listener := range b.gateway.Listeners {
		if problem, unresolved := listener.Problems.First(string(gatewayv1.ListenerConditionResolvedRefs)); unresolved {
			bad = append(bad, fmt.Sprintf("%s (%s)", listener.Source.Name, problem.Reason))
		}
	}
	if len(bad) > 0 {
		return b.gatewayCondition(typ, metav1.ConditionFalse, gatewayv1.GatewayReasonListenersNotResolved,
			"Listeners have references that cannot be resolved: "+strings.Join(bad, ", "))
	}
	return b.gatewayCondition(typ, metav1.ConditionTrue, gatewayv1.GatewayReasonResolvedRefs, "All references are resolved")
}
