package controller

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// reporters are those of all kinds of objects that Gateways share.
type reporters struct {
	controller gatewayv1.GatewayController
	// routes are by kind.
	routes   map[string]*reporter[*status.Route]
	policies *reporter[*status.Policy]
}

func newReporters(opts Options) *reporters {
	r := &reporters{
		controller: gatewayv1.GatewayController(opts.ControllerName),
		routes:     make(map[string]*reporter[*status.Route]),
		policies: newReporter(opts, "BackendTLSPolicy",
			func() client.Object { return &gatewayv1.BackendTLSPolicy{} }, mergePolicy),
	}
	for _, kind := range store.RouteKinds() {
		r.routes[kind.Name] = newReporter(opts, kind.Name, kind.New, mergeRoute)
	}
	return r
}

func mergeRoute(route client.Object, want *status.Route, now metav1.Time) (changed bool) {
	live := store.StatusOf(route)
	live.Parents, changed = status.MergeRoute(live.Parents, want, now)
	return changed
}

func mergePolicy(policy client.Object, want *status.Policy, now metav1.Time) (changed bool) {
	live := &policy.(*gatewayv1.BackendTLSPolicy).Status
	live.Ancestors, changed = status.MergePolicy(live.Ancestors, want, now)
	return changed
}

// withdrawRoute has our entries for the Gateway removed from the route's status.
func (r *reporters) withdrawRoute(route store.Route, gateway types.NamespacedName) {
	key, known := store.KeyOf(route)
	if !known {
		return
	}
	r.routes[key.Kind].propose(route, gateway, &status.Route{
		Kind: key.Kind, Name: key.NamespacedName, Gateway: gateway, Controller: r.controller,
	})
}

// withdrawPolicy has our entry for the Gateway removed from the policy's status.
func (r *reporters) withdrawPolicy(policy *gatewayv1.BackendTLSPolicy, gateway types.NamespacedName) {
	r.policies.propose(policy, gateway, &status.Policy{
		Name: client.ObjectKeyFromObject(policy), Gateway: gateway, Controller: r.controller,
	})
}
