package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/rollout"
)

// How often a fleet is looked at whose pods are being replaced, as no event tells that
// it takes too long, and one that waits for its turn, in case nobody wakes it.
const (
	underWayPause = 30 * time.Second
	waitingPause  = 5 * time.Minute
)

// roll returns the objects to apply, and those to leave as they are: the workload is
// among these if its pods are to be replaced and it is not their turn. turn is not
// empty where it is.
func (w *work) roll() (objects []client.Object, kept []apply.Kept, turn string) {
	objects, kept = w.plan.desired.Objects, w.live.predecessors(w.plan.desired.Objects)
	workload := provision.Workload(objects)
	provision.Annotate(objects, names.TemplateAnnotation, rollout.Fingerprint(workload, w.wish()))
	live := w.live.like(workload)
	if live == nil {
		return objects, kept, ""
	}
	w.tellTurn(w.rollouts.Note(w.key, live))
	if began := live.GetAnnotations()[names.TurnAnnotation]; began != "" {
		provision.Annotate(objects, names.TurnAnnotation, began)
	}
	if rollout.ChangeOf(live, workload) != rollout.Foreign || !rollout.Serves(live) {
		w.rollouts.Pass(w.key)
		return objects, kept, ""
	}
	turn, err := w.rollouts.Ask(w.ctx, w.key)
	if err == nil && turn != "" {
		provision.Annotate(objects, names.TurnAnnotation, turn)
		w.rollAgain = underWayPause
		return objects, kept, turn
	}
	w.note(err)
	w.rollAgain = waitingPause
	return w.whileWaiting(objects, kept, live, workload)
}

// whileWaiting returns what roll does for a fleet whose turn has not come. What somebody
// else has changed of the workload is mended all the same: of its pods, which are being
// replaced for that, to what is wanted now, and of the rest with the pods as they are.
func (w *work) whileWaiting(objects []client.Object, kept []apply.Kept, live, workload client.Object) ([]client.Object, []apply.Kept, string) {
	drift, err := w.applier.Drift(w.ctx, w.owner, workload)
	w.note(err)
	switch {
	case drift.Pods:
		w.rollouts.Pass(w.key)
		return objects, kept, ""
	case drift.Rest && rollout.KeepPods(live, workload):
		return objects, kept, ""
	}
	others := slices.DeleteFunc(slices.Clone(objects), func(object client.Object) bool { return object == workload })
	return others, bothKinds(workload.GetName()), ""
}

// wish is what the Gateway itself says of its pods, and what its namespace does. What
// of it changes waits for no turn.
func (w *work) wish() any {
	var own *v1alpha1.GatewayParametersSpec
	if object := w.resources.OwnParameters; object != nil {
		own = &object.Spec
	}
	return []any{w.gateway.Spec.Infrastructure, own, w.sensor}
}

// tellTurn tells of a turn that ends those of others.
func (w *work) tellTurn(state rollout.State) {
	var text string
	switch state {
	case rollout.Failed:
		text = "The new proxies do not become available; where this happens three times, other Gateways keep those that they have"
		w.problem(text)
		w.rollAgain = underWayPause
	case rollout.UnderWay:
		w.rollAgain = underWayPause
	}
	w.events.lasts(w.gateway, RolloutFailed, "RollOut", text)
}

// like returns the live workload of the kind of the one that is wanted, or else the
// other one.
func (l *workloads) like(wanted client.Object) client.Object {
	if _, is := wanted.(*appsv1.DaemonSet); is && l.daemonSet != nil || l.deployment == nil {
		if l.daemonSet == nil {
			return nil
		}
		return l.daemonSet
	}
	return l.deployment
}

func bothKinds(name string) []apply.Kept {
	return []apply.Kept{
		{Group: appsv1.GroupName, Kind: "Deployment", Name: name},
		{Group: appsv1.GroupName, Kind: "DaemonSet", Name: name},
	}
}

// fleetsOf lists the workloads that the reader, which is a cache, has of ours.
func fleetsOf(reader client.Reader) func(context.Context) (map[types.NamespacedName][]client.Object, error) {
	return func(ctx context.Context) (map[types.NamespacedName][]client.Object, error) {
		var deployments appsv1.DeploymentList
		var daemonSets appsv1.DaemonSetList
		ours := client.MatchingLabels{names.LabelManagedBy: names.ManagedBy}
		for _, list := range []client.ObjectList{&deployments, &daemonSets} {
			if err := reader.List(ctx, list, ours); err != nil {
				return nil, fmt.Errorf("listing the workloads of all fleets: %w", err)
			}
		}
		fleets := make(map[types.NamespacedName][]client.Object)
		add := func(workload client.Object) {
			for _, gateway := range owner(ctx, workload) {
				fleets[gateway] = append(fleets[gateway], workload)
			}
		}
		for i := range deployments.Items {
			add(&deployments.Items[i])
		}
		for i := range daemonSets.Items {
			add(&daemonSets.Items[i])
		}
		return fleets, nil
	}
}
