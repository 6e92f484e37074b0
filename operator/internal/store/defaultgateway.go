package store

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ByDefaultScope finds default Gateways by the scope that they claim routes of, and
// routes by the one that they are in (GEP-3793).
const ByDefaultScope = "fleetgate.default-scope"

// ClaimsDefaults says whether the Gateway claims routes that do not name it.
func ClaimsDefaults(gateway *gatewayv1.Gateway) bool {
	return gateway.Spec.DefaultScope == gatewayv1.GatewayDefaultScopeAll
}

// UsesDefaults says whether the route is for default Gateways, too.
func UsesDefaults(route Route) bool {
	parts, ok := partsOf(route)
	return ok && parts.spec.UseDefaultGateways == gatewayv1.GatewayDefaultScopeAll
}

func scopeIf(in bool) []string {
	if in {
		return []string{string(gatewayv1.GatewayDefaultScopeAll)}
	}
	return nil
}

// defaultRoutes adds the routes that a default Gateway may claim.
func (c *collector) defaultRoutes() {
	if !ClaimsDefaults(c.out.Gateway) {
		return
	}
	for _, kind := range RouteKinds() {
		list := kind.NewList()
		c.list(list, client.MatchingFields{ByDefaultScope: string(gatewayv1.GatewayDefaultScopeAll)})
		each(list, c.route)
	}
}

// parentGateways returns the Gateways that the route names, and those that may
// claim it.
func parentGateways(route Route, claiming func() ([]types.NamespacedName, error)) ([]types.NamespacedName, error) {
	if !UsesDefaults(route) {
		return ParentGateways(route), nil
	}
	defaults, err := claiming()
	return merge(ParentGateways(route), defaults), err
}

// claimingGateways looks for the default Gateways when it is first called.
func claimingGateways(ctx context.Context, r client.Reader) func() ([]types.NamespacedName, error) {
	return sync.OnceValues(func() ([]types.NamespacedName, error) {
		return gateways(ctx, r, client.MatchingFields{ByDefaultScope: string(gatewayv1.GatewayDefaultScopeAll)})
	})
}
