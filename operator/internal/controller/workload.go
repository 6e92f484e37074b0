package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/rollout"
)

// workloads are what runs the proxies of a fleet: one of the two, and for the time of
// a change from one to the other both. nil is what there is not.
type workloads struct {
	deployment *appsv1.Deployment
	daemonSet  *appsv1.DaemonSet
}

// liveOf returns the owner's workloads as the cache has them.
func (r *GatewayReconciler) liveOf(ctx context.Context, owner apply.Owner, name string) (live workloads, err error) {
	key := types.NamespacedName{Namespace: owner.Namespace, Name: name}
	if live.deployment, err = ownObject(ctx, r.opts.Client, owner, key, &appsv1.Deployment{}); err != nil {
		return live, err
	}
	live.daemonSet, err = ownObject(ctx, r.opts.Client, owner, key, &appsv1.DaemonSet{})
	return live, err
}

// unserved says whether a Gateway has never been served, or is not now, as far as the
// cache has it. One that is gone is not said to be so.
func (r *GatewayReconciler) unserved(ctx context.Context, key types.NamespacedName) bool {
	gateway := &gatewayv1.Gateway{}
	if r.opts.Reader.Get(ctx, key, gateway) != nil {
		return false
	}
	if c := conditions.Find(gateway.Status.Conditions, string(gatewayv1.GatewayConditionProgrammed)); c != nil && c.Status == metav1.ConditionTrue {
		return false
	}
	// The condition does not tell of a new generation what serves the one before. Each event
	// of a fleet that comes up has this asked, for which the owner's labels are not needed.
	owner := apply.Owner{NamespacedName: key, UID: gateway.UID}
	live, err := r.liveOf(ctx, owner, names.ForGateway(gateway.Name, string(gateway.Spec.GatewayClassName)).Name())
	return err == nil && !slices.ContainsFunc(live.all(), rollout.Serves)
}

// ownObject reads an object of the owner's. It returns nil when there is none.
func ownObject[T client.Object](ctx context.Context, reader client.Reader, owner apply.Owner, key types.NamespacedName, into T) (T, error) {
	var none T
	err := reader.Get(ctx, key, into)
	switch {
	case apierrors.IsNotFound(err), err == nil && !owner.Owns(into):
		return none, nil
	case err != nil:
		return none, fmt.Errorf("reading %T %s: %w", into, key, err)
	}
	return into, nil
}

func (l *workloads) all() []client.Object {
	var all []client.Object
	if l.deployment != nil {
		all = append(all, l.deployment)
	}
	if l.daemonSet != nil {
		all = append(all, l.daemonSet)
	}
	return all
}

// outline leaves what is asked of workloads whose fleet is steady: how many proxies there
// are to be, and what their annotations say.
func (l *workloads) outline() (slim workloads) {
	if d := l.deployment; d != nil {
		slim.deployment = &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Annotations: d.Annotations}}
		slim.deployment.Spec.Replicas = d.Spec.Replicas
	}
	if d := l.daemonSet; d != nil {
		slim.daemonSet = &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Annotations: d.Annotations}}
		slim.daemonSet.Status.DesiredNumberScheduled = d.Status.DesiredNumberScheduled
	}
	return slim
}

func (l *workloads) any() bool { return l.deployment != nil || l.daemonSet != nil }

// wanted is the number of proxies that the fleet is to have: what the live workload
// says, as an autoscaler or the number of nodes may have changed it.
func (l *workloads) wanted(objects []client.Object, initially int) int {
	switch workload := provision.Workload(objects).(type) {
	case *appsv1.DaemonSet:
		if l.daemonSet != nil {
			return int(l.daemonSet.Status.DesiredNumberScheduled)
		}
		return initially
	case *appsv1.Deployment:
		initially = int(*workload.Spec.Replicas)
	}
	if l.deployment != nil && l.deployment.Spec.Replicas != nil {
		return int(*l.deployment.Spec.Replicas)
	}
	return initially
}

// predecessors are the workloads of another kind than the one that is wanted, as long
// as that one does not serve: they go when it does.
func (l *workloads) predecessors(objects []client.Object) []apply.Kept {
	switch workload := provision.Workload(objects).(type) {
	case *appsv1.DaemonSet:
		if l.daemonSet == nil || !rollout.Complete(l.daemonSet) {
			return []apply.Kept{{Group: appsv1.GroupName, Kind: "Deployment", Name: workload.Name}}
		}
	case *appsv1.Deployment:
		if l.deployment == nil || !rollout.Complete(l.deployment) {
			return []apply.Kept{{Group: appsv1.GroupName, Kind: "DaemonSet", Name: workload.Name}}
		}
	}
	return nil
}

// progressed says whether the pods of a workload have begun to be refused or to be
// all there, or have ceased to be.
func progressed(before, after client.Object) bool {
	switch after := after.(type) {
	case *appsv1.Deployment:
		old, now := workloads{deployment: before.(*appsv1.Deployment)}, workloads{deployment: after}
		return old.refused() != now.refused() || rollout.StateOf(before, time.Time{}) != rollout.StateOf(after, time.Time{}) ||
			rollout.Complete(before) != rollout.Complete(after)
	case *appsv1.DaemonSet:
		return rollout.Complete(before) != rollout.Complete(after) ||
			before.(*appsv1.DaemonSet).Status.DesiredNumberScheduled != after.Status.DesiredNumberScheduled
	}
	return false
}

// keepParameters writes down what the parameters say of the proxies' settings, for when
// they are gone. Another version of the operator may know other fields: what it does
// not know it leaves out.
func (w *work) keepParameters() {
	spec := &w.plan.graph.Gateway.Parameters.Spec
	if spec.Proxy == nil && spec.Backends == nil {
		return
	}
	text, err := json.Marshal(v1alpha1.GatewayParametersSpec{Proxy: spec.Proxy, Backends: spec.Backends})
	if err != nil {
		w.note(fmt.Errorf("encoding the parameters of %s: %w", w.key, err))
		return
	}
	provision.Annotate(w.plan.desired.Objects, names.ParametersAnnotation, string(text))
}

// parameters returns what keepParameters wrote, or nil.
func (l *workloads) parameters() *v1alpha1.GatewayParametersSpec {
	for _, workload := range l.all() {
		last := &v1alpha1.GatewayParametersSpec{}
		if text, kept := workload.GetAnnotations()[names.ParametersAnnotation]; kept && json.Unmarshal([]byte(text), last) == nil {
			return last
		}
	}
	return nil
}
