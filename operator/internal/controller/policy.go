package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// PolicyReconciler writes the status of BackendTLSPolicies: what the
// reconciliations of several Gateways have proposed, all in one write. It is safe
// for concurrent use.
type PolicyReconciler struct {
	opts Options
	bell *doorbell

	mu sync.Mutex
	// proposed holds, for each policy, what each Gateway has to say. Entries go
	// once they are written.
	proposed map[types.NamespacedName]map[types.NamespacedName]*status.Policy
}

func newPolicyReconciler(opts Options) *PolicyReconciler {
	return &PolicyReconciler{
		opts: opts, bell: newDoorbell(0, opts.Now),
		proposed: make(map[types.NamespacedName]map[types.NamespacedName]*status.Policy),
	}
}

// propose has the entry of one Gateway written to the policy's status, unless it
// is there. live is the policy as it is known.
func (r *PolicyReconciler) propose(want *status.Policy, live *gatewayv1.BackendTLSPolicy) {
	_, differs := status.MergePolicy(live.Status.Ancestors, want, metav1.NewTime(r.opts.Now()))
	r.mu.Lock()
	// As with routes, what was proposed before must not win over what holds now.
	_, pending := r.proposed[want.Name][want.Gateway]
	if differs || pending {
		if r.proposed[want.Name] == nil {
			r.proposed[want.Name] = make(map[types.NamespacedName]*status.Policy)
		}
		r.proposed[want.Name][want.Gateway] = want
	}
	r.mu.Unlock()
	if differs || pending {
		r.bell.ring(want.Name)
	}
}

// withdraw has our entry for the Gateway removed from the policy's status.
func (r *PolicyReconciler) withdraw(policy *gatewayv1.BackendTLSPolicy, gateway types.NamespacedName) {
	r.propose(&status.Policy{
		Name: client.ObjectKeyFromObject(policy), Gateway: gateway,
		Controller: gatewayv1.GatewayController(r.opts.ControllerName),
	}, policy)
}

// Reconcile implements reconcile.Reconciler. The request names a policy.
func (r *PolicyReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	key := request.NamespacedName
	wanted := r.wanted(key)
	policy := &gatewayv1.BackendTLSPolicy{}
	if !r.opts.Kinds.Available(policy) {
		r.done(key, wanted)
		return reconcile.Result{}, nil
	}
	err := r.opts.Client.Get(ctx, key, policy)
	for range statusAttempts {
		if apierrors.IsNotFound(err) {
			r.done(key, wanted)
			return reconcile.Result{}, nil
		}
		if err != nil {
			return reconcile.Result{}, fmt.Errorf("reading BackendTLSPolicy %s: %w", key, err)
		}
		var written bool
		written, err = r.write(ctx, policy, wanted)
		if err != nil {
			return reconcile.Result{}, err
		}
		if written {
			r.done(key, wanted)
			return reconcile.Result{}, nil
		}
		policy = &gatewayv1.BackendTLSPolicy{}
		err = r.opts.Live.Get(ctx, key, policy)
	}
	return reconcile.Result{}, fmt.Errorf("writing the status of BackendTLSPolicy %s: %w", key, errUnfinished)
}

// write brings the entries into the policy's status. What is taken back first may
// be given by another one, as there is room for few. It returns false when
// somebody else was faster.
func (r *PolicyReconciler) write(ctx context.Context, policy *gatewayv1.BackendTLSPolicy, wanted map[types.NamespacedName]*status.Policy) (bool, error) {
	after := policy.DeepCopy()
	changed := false
	for _, removal := range []bool{true, false} {
		for _, want := range wanted {
			if (want.Ancestor == nil) == removal {
				merged, differs := status.MergePolicy(after.Status.Ancestors, want, metav1.NewTime(r.opts.Now()))
				after.Status.Ancestors, changed = merged, changed || differs
			}
		}
	}
	if !changed {
		return true, nil
	}
	err := r.opts.Client.Status().Patch(ctx, after, optimistic(policy), StatusManager)
	r.opts.Metrics.Status("BackendTLSPolicy", resultOf(err))
	switch {
	case err == nil || apierrors.IsNotFound(err):
		return true, nil
	case apierrors.IsConflict(err):
		return false, nil
	default:
		return false, fmt.Errorf("writing the status of BackendTLSPolicy %s: %w", client.ObjectKeyFromObject(policy), err)
	}
}

func (r *PolicyReconciler) wanted(name types.NamespacedName) map[types.NamespacedName]*status.Policy {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.proposed[name])
}

// done drops what was written, unless something newer has been proposed.
func (r *PolicyReconciler) done(name types.NamespacedName, written map[types.NamespacedName]*status.Policy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.proposed[name]
	for gateway, want := range written {
		if of[gateway] == want {
			delete(of, gateway)
		}
	}
	if len(of) == 0 {
		delete(r.proposed, name)
	}
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
