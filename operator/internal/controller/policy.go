package controller

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// policyReconcilers write the statuses of policies and of XBackends, of which each of
// several Gateways has to say something, by the kind's name.
type policyReconcilers map[string]*statusWriter[types.NamespacedName, status.Policy]

func newPolicyReconcilers(opts Options) policyReconcilers {
	all := make(policyReconcilers)
	for _, kind := range store.ReportedKinds() {
		all[kind.Name] = newStatusWriter[types.NamespacedName](opts, kind.Name, kind.New, "ancestors", mergePolicies)
	}
	return all
}

// propose has the entry of one Gateway written to the policy's status, unless it
// is there. live is the policy as it is known. It returns whether there is no room
// for the entry.
func (r policyReconcilers) propose(want *status.Policy, live store.Policy) (leftOut bool) {
	of := r[want.Kind]
	merged, differs := status.MergePolicy(store.AncestorsOf(live), want, conditions.At(of.opts.Now(), live))
	of.propose(live, want.Gateway, want, differs)
	return want.LeftOut(merged)
}

// withdraw has our entry for the Gateway removed from the policy's status.
func (r policyReconcilers) withdraw(policy store.Policy, gateway types.NamespacedName) {
	key, _ := store.PolicyKeyOf(policy)
	r.propose(&status.Policy{
		Kind: key.Kind, Name: key.NamespacedName, Gateway: gateway,
		Controller: gatewayv1.GatewayController(r[key.Kind].opts.ControllerName),
	}, policy)
}

// mergePolicies is the merge of a statusWriter of policies. What is taken back
// first may be given by another one, as there is room for few.
func mergePolicies(live client.Object, wanted []*status.Policy, at conditions.Moment) any {
	ancestors, changed := store.AncestorsOf(live), false
	for _, removal := range []bool{true, false} {
		for _, want := range wanted {
			if (want.Ancestor == nil) == removal {
				merged, differs := status.MergePolicy(ancestors, want, at)
				ancestors, changed = merged, changed || differs
			}
		}
	}
	if !changed {
		return nil
	}
	return ancestors
}

// reportPolicies hands the statuses of policies on, and takes back what was said
// of those that have nothing to do with the Gateway any more. There are none of these
// where all policies are those of the last time.
func (w *work) reportPolicies(wanted []status.Policy, same bool) error {
	for i := range wanted {
		policy := w.resources.Policy(keyOf(&wanted[i]))
		w.events.crowded(w.gateway, policy, wanted[i].Kind, w.policies.propose(&wanted[i], policy))
	}
	if same {
		return nil
	}
	return w.withdrawPolicies(w.ctx, w.key, func(key store.PolicyKey) bool {
		return slices.ContainsFunc(wanted, func(p status.Policy) bool { return keyOf(&p) == key })
	})
}

func keyOf(p *status.Policy) store.PolicyKey {
	return store.PolicyKey{Kind: p.Kind, NamespacedName: p.Name}
}

// withdrawPolicies has our entries for the Gateway removed from the policies that
// are not to be kept.
func (r *GatewayReconciler) withdrawPolicies(ctx context.Context, gateway types.NamespacedName, keep func(store.PolicyKey) bool) error {
	policies, err := store.Policies(ctx, r.opts.Reader, gateway, r.opts.ControllerName)
	for _, policy := range policies {
		if key, _ := store.PolicyKeyOf(policy); !keep(key) {
			r.policies.withdraw(policy, gateway)
		}
	}
	return err
}
