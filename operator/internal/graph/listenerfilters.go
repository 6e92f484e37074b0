package graph

import (
	"strconv"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

// The reasons of listeners whose filters cannot be used. GEP-5224 has them, and
// the Gateway API no constants for them.
const (
	ReasonInvalidListenerFilter    gatewayv1.ListenerConditionReason = "InvalidListenerFilter"
	ReasonInvalidListenerFilterRef gatewayv1.ListenerConditionReason = "InvalidListenerFilterRef"
)

// Refusals are all problems of the listener, those of its filters among them.
func (l *Listener) Refusals() conditions.Problems {
	return append(l.Problems[:len(l.Problems):len(l.Problems)], l.Barred...)
}

// Sound says whether the listener serves, and does so by its routes.
func (l *Listener) Sound() bool { return l.Serves() && len(l.Barred) == 0 }

func (l *Listener) bar(reason gatewayv1.ListenerConditionReason, format string, args ...any) {
	l.Barred.Add(string(gatewayv1.ListenerConditionAccepted), string(reason), format, args...)
}

// resolveFilters reads what the requests to the Gateway's listeners pass before
// they are routed (GEP-5224). It needs to know the policies.
func (b *builder) resolveFilters(gateway *Gateway) {
	for _, l := range gateway.AllListeners() {
		if l.Source.Filters == nil || !l.routesRequests() {
			continue
		}
		for i := range l.Source.Filters.Requests {
			b.resolveFilter(l, "filters.requests["+strconv.Itoa(i)+"]", &l.Source.Filters.Requests[i])
		}
	}
}

func (l *Listener) routesRequests() bool {
	return l.Source.Protocol == gatewayv1.HTTPProtocolType || l.Source.Protocol == gatewayv1.HTTPSProtocolType
}

func (b *builder) resolveFilter(l *Listener, field string, source *gatewayv1.ListenerFilter) {
	switch {
	case source.Type == gatewayv1.ListenerFilterExternalAuth && source.ExternalAuth != nil:
		b.resolveListenerAuth(l, field+".externalAuth", source.ExternalAuth)
	case source.Type == gatewayv1.ListenerFilterExternalAuth:
		l.bar(ReasonInvalidListenerFilter, "%s has type %s and no settings for it", field, source.Type)
	default:
		l.bar(gatewayv1.ListenerReasonUnsupportedValue, "%s: filters of type %q are not supported", field, source.Type)
		if ref := source.ExtensionRef; ref != nil {
			l.unresolved(ReasonInvalidListenerFilterRef,
				"%s.extensionRef names a %s of group %q, which is not a kind of filters", field, ref.Kind, ref.Group)
		}
	}
}

// resolveListenerAuth reads a filter as that of a rule is read, of which the owner
// is the Gateway or the ListenerSet.
func (b *builder) resolveListenerAuth(l *Listener, field string, source *gatewayv1.HTTPExternalAuthFilter) {
	owner, home := b.owner(l)
	holder, rule := &Route{Kind: owner, Name: types.NamespacedName{Namespace: home}}, &Rule{}
	rule.checkExternalAuth(field, source)
	l.Filters = append(l.Filters, b.externalAuth(holder, rule, field, source))
	for _, problem := range rule.Problems {
		switch {
		case problem.Type == string(gatewayv1.RouteConditionAccepted):
			l.bar(ReasonInvalidListenerFilter, "%s", problem.Message)
		case problem.Reason == string(gatewayv1.RouteReasonRefNotPermitted):
			l.unresolved(gatewayv1.ListenerReasonRefNotPermitted, "%s", problem.Message)
		default:
			l.unresolved(ReasonInvalidListenerFilterRef, "%s", problem.Message)
		}
	}
}
