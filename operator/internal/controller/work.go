package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// work is one reconciliation of a Gateway that is ours.
type work struct {
	*GatewayReconciler
	ctx     context.Context
	started time.Time

	resources *store.Resources
	gateway   *gatewayv1.Gateway
	key       types.NamespacedName
	names     names.Fleet
	owner     apply.Owner
	// live are the fleet's workloads as the cache has them.
	live workloads
	// pods are the fleet's as the cache has them.
	pods []proxies.Pod
	// sensor is what provision.SensorAuto stands for.
	sensor provision.SensorMode
	// authorities are those of the nodes' agents, if they are known.
	authorities delivery.Authorities
	// known is what the last work on the Gateway has left.
	known *memory
	plan  plan
	// culprits are what has stand-ins in the plan.
	culprits []culprit
	// searched says that they were searched for.
	searched bool

	observed status.Observed
	// revision is that of the stored configuration.
	revision  int64
	conflicts []apply.Conflict
	// renewAt is when the credentials are to be renewed.
	renewAt time.Time
	// unheard says that proxies have not been asked so far that are ready.
	unheard bool
	// storeAgain is how much longer the configuration waits to be stored.
	storeAgain time.Duration
	// keeps says that the fleet has something that was not asked for, which is to be told.
	keeps bool
	// rollAgain is when to look again at pods that are being replaced, or wait for it.
	rollAgain time.Duration
	// repairLeft is how much longer the status tells of a repair.
	repairLeft time.Duration
	errs       []error
}

// carryOut does what the plan says. One step that goes wrong does not keep the
// others from being taken, and the status tells of it.
func (w *work) carryOut() (reconcile.Result, error) {
	w.tellCulprits()
	if !w.plan.steady {
		w.keepImmutable()
	}
	w.noteParameters()
	// A Gateway that was never accepted gets no fleet; one that was keeps it,
	// and its proxies learn that nothing is left to serve.
	accepted := w.plan.graph.Gateway.Accepted()
	if accepted || w.live.any() {
		w.deliver()
	}
	if accepted {
		w.bringFleet()
	}
	w.observe()
	w.announce()
	if w.unheard && w.unreported(w.key) {
		// What the status says came from the proxies. A process that has just started
		// would take it back, and write it again a moment later: the Tracker rings.
		return reconcile.Result{RequeueAfter: w.next(unheardPause)}, errors.Join(w.errs...)
	}
	wait, err := w.report()
	w.errs = append(w.errs, err)
	if err := errors.Join(w.errs...); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: w.next(wait)}, nil
}

// next is when the Gateway is to be looked at without any event: for a status or a
// configuration that waits, for a status that has told of a repair for long enough, for a
// conflict that nobody tells the end of, or to renew the credentials.
func (w *work) next(wait time.Duration) time.Duration {
	due := []time.Duration{wait, w.repairLeft, w.storeAgain, w.rollAgain}
	for i := range w.culprits {
		due = append(due, max(w.culprits[i].until.Sub(w.started), time.Second))
	}
	if len(w.conflicts) > 0 {
		due = append(due, conflictPause)
	}
	for _, at := range []time.Time{w.renewAt, w.authorities.RenewAt} {
		if !at.IsZero() {
			due = append(due, max(at.Sub(w.started), time.Second))
		}
	}
	var next time.Duration
	for _, d := range due {
		if d > 0 && (next == 0 || d < next) {
			next = d
		}
	}
	return next
}

// unheardPause is when a Gateway is looked at whose proxies have not been heard of, in
// case nobody tells.
const unheardPause = 10 * time.Second

// conflictPause is how often a conflict is looked at again.
const conflictPause = 20 * time.Second

// provision brings the objects of the fleet into the state that is wanted, and says
// whether they were in it.
func (w *work) provision() (agrees bool) {
	w.keepParameters()
	objects, kept, turn := w.roll()
	result, err := w.applier.Sync(w.ctx, w.owner, objects, append(w.delivered(), kept...)...)
	w.wrote(w.ctx, result)
	if err != nil && turn != "" {
		w.rollouts.Leave(w.key, turn)
	}
	for _, conflict := range result.Conflicts {
		w.conflict(conflict)
	}
	w.note(err)
	return err == nil && len(result.Written)+len(result.Conflicts) == 0
}

// note keeps an error for the status and for a retry. A foreign object is not
// for a retry to solve.
func (w *work) note(err error) {
	var foreign *delivery.ForeignError
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
	case errors.As(err, &joined):
		for _, part := range joined.Unwrap() {
			w.note(part)
		}
	case errors.As(err, &foreign):
		w.conflict(foreign.Conflict)
	default:
		w.errs = append(w.errs, err)
		if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
			w.problem(err.Error())
		}
	}
}

func (w *work) conflict(conflict apply.Conflict) {
	w.conflicts = append(w.conflicts, conflict)
	w.problem(foreignText(&conflict))
}

func foreignText(conflict *apply.Conflict) string {
	text := fmt.Sprintf("%s %s exists and does not belong to this Gateway", conflict.Kind, conflict.NamespacedName)
	if conflict.Owner != "" {
		text += "; it is controlled by " + conflict.Owner
	}
	return text
}

func (w *work) problem(text string) { w.observed.Problems = append(w.observed.Problems, text) }

// noteParameters tells of the parameters' fields that have no effect.
func (w *work) noteParameters() {
	w.useParameters(w.plan.refusals)
	w.observed.Refusals = w.plan.refusals
	w.events.lasts(w.gateway, ParametersRefused, "MergeParameters",
		conditions.Join(status.Refusals(w.plan.graph.Gateway, w.plan.refusals)))
}

// useParameters has the parameters that are named tell what is refused of them.
func (w *work) useParameters(refused []parameters.Refusal) {
	use := parametersUse{refused: refused}
	use.class, _ = store.ClassParameters(w.resources.Class)
	use.own, _ = store.OwnParameters(w.gateway)
	w.parameters.note(w.key, use)
}

// announce tells of lasting troubles once.
func (w *work) announce() {
	var foreign string
	if len(w.conflicts) > 0 {
		foreign = foreignText(&w.conflicts[0])
	}
	w.events.lasts(w.gateway, ForeignObject, "Provision", foreign)
	var failed []string
	for _, err := range w.errs {
		if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
			failed = append(failed, err.Error())
		}
	}
	w.events.lasts(w.gateway, ProvisioningFailed, "Provision", strings.Join(failed, "; "))
}
