package controller

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// PolicyReconciler writes the status of BackendTLSPolicies, of which each of
// several Gateways has to say something.
type PolicyReconciler struct {
	*statusWriter[types.NamespacedName, status.Policy]
}

func newPolicyReconciler(opts Options) *PolicyReconciler {
	empty := func() client.Object { return &gatewayv1.BackendTLSPolicy{} }
	return &PolicyReconciler{newStatusWriter[types.NamespacedName](opts, "BackendTLSPolicy", empty, mergePolicies)}
}

// propose has the entry of one Gateway written to the policy's status, unless it
// is there. live is the policy as it is known.
func (r *PolicyReconciler) propose(want *status.Policy, live *gatewayv1.BackendTLSPolicy) {
	_, differs := status.MergePolicy(live.Status.Ancestors, want, metav1.NewTime(r.opts.Now()))
	r.statusWriter.propose(want.Name, want.Gateway, want, differs)
}

// withdraw has our entry for the Gateway removed from the policy's status.
func (r *PolicyReconciler) withdraw(policy *gatewayv1.BackendTLSPolicy, gateway types.NamespacedName) {
	r.propose(&status.Policy{
		Name: client.ObjectKeyFromObject(policy), Gateway: gateway,
		Controller: gatewayv1.GatewayController(r.opts.ControllerName),
	}, policy)
}

// mergePolicies is the merge of a statusWriter of policies. What is taken back
// first may be given by another one, as there is room for few.
func mergePolicies(live client.Object, wanted []*status.Policy, now metav1.Time) client.Object {
	ancestors, changed := live.(*gatewayv1.BackendTLSPolicy).Status.Ancestors, false
	for _, removal := range []bool{true, false} {
		for _, want := range wanted {
			if (want.Ancestor == nil) == removal {
				merged, differs := status.MergePolicy(ancestors, want, now)
				ancestors, changed = merged, changed || differs
			}
		}
	}
	if !changed {
		return nil
	}
	after := live.DeepCopyObject().(*gatewayv1.BackendTLSPolicy)
	after.Status.Ancestors = ancestors
	return after
}

// reportPolicies hands the statuses of policies on, and takes back what was said
// of those that have nothing to do with the Gateway any more.
func (w *work) reportPolicies(wanted []status.Policy) error {
	for i := range wanted {
		w.policies.propose(&wanted[i], w.resources.BackendTLSPolicies[wanted[i].Name])
	}
	return w.withdrawPolicies(w.ctx, w.key, func(name types.NamespacedName) bool {
		return slices.ContainsFunc(wanted, func(p status.Policy) bool { return p.Name == name })
	})
}

// withdrawPolicies has our entries for the Gateway removed from the policies that
// are not to be kept.
func (r *GatewayReconciler) withdrawPolicies(ctx context.Context, gateway types.NamespacedName, keep func(types.NamespacedName) bool) error {
	policies, err := store.Policies(ctx, r.opts.Reader, gateway, r.opts.ControllerName)
	for _, policy := range policies {
		if !keep(client.ObjectKeyFromObject(policy)) {
			r.policies.withdraw(policy, gateway)
		}
	}
	return err
}
