package controller

import (
	"context"
	"reflect"
	"slices"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// watch is one kind whose changes touch Gateways.
type watch struct {
	object client.Object
	// gateways leads from an object to the Gateways that it touches. It is
	// asked for the old and the new state of an update.
	gateways leads
	// appears says which creations matter, and matters which updates. Deletions always do.
	appears func(client.Object) bool
	matters func(before, after client.Object) bool
}

func always(client.Object) bool { return true }

// leads is the way from an object to Gateways.
type leads func(context.Context, client.Object) []types.NamespacedName

// watches are all kinds that the Gateway controller watches from its start. Those
// that a cluster need not have are optionalKinds.
func (r *GatewayReconciler) watches() []watch {
	all := []watch{
		{&gatewayv1.Gateway{}, r.touched, always, specChanged},
		{&gatewayv1.GatewayClass{}, r.touched, always, specChanged},
		{&corev1.Service{}, r.touchedOrOwner, always, changed},
		{&discoveryv1.EndpointSlice{}, r.touched, always, r.noting(endpointsChanged)},
		{&corev1.Namespace{}, r.touched, always, r.noting(labelsChanged)},
		{cluster.SecretMetadata(), r.touchedOrOwner, always, r.noting(r.changedByOthers)},
		{cluster.ConfigMapMetadata(), r.touchedOrOwner, always, r.changedByOthers},
		{&corev1.Pod{}, noted(r.fleetOf, r.changes.notePods), addressed, podChanged},
		{cluster.CRDMetadata(), r.reshaped, always, specChanged},
	}
	for _, kind := range ownedKinds() {
		if _, service := kind.(*corev1.Service); !service {
			all = append(all, watch{kind, noted(owner, r.changes.noteFleet), always, ownedChanged})
		}
	}
	return all
}

// watchOf is the watch of a kind that users write, or of one of the Prometheus operator's.
func (r *GatewayReconciler) watchOf(object client.Object) watch {
	switch object.(type) {
	case *monitoringv1.ServiceMonitor:
		return watch{object, noted(owner, r.changes.noteFleet), always, ownedChanged}
	case *monitoringv1.Prometheus:
		return watch{object, noted(r.every, r.changes.noteFleet), always, specChanged}
	}
	if isTrustBundle(object) {
		return watch{object, r.touched, always, changed}
	}
	if _, isPolicy := store.PolicyKeyOf(object); isPolicy {
		return watch{object, r.touched, always, r.noting(policyChanged)}
	}
	return watch{object, r.touched, always, r.noting(specChanged)}
}

// ownedKinds are the kinds of a fleet's provisioned objects that every cluster
// has.
func ownedKinds() []client.Object {
	return []client.Object{
		&corev1.ServiceAccount{}, &rbacv1.Role{}, &rbacv1.RoleBinding{}, &corev1.Service{},
		&networkingv1.NetworkPolicy{}, &policyv1.PodDisruptionBudget{},
		&appsv1.Deployment{}, &appsv1.DaemonSet{}, &autoscalingv2.HorizontalPodAutoscaler{},
	}
}

func monitor() client.Object { return &monitoringv1.ServiceMonitor{} }

// touched finds Gateways by the indexes of the store, and notes the object for what is
// collected for them next.
func (r *GatewayReconciler) touched(ctx context.Context, obj client.Object) []types.NamespacedName {
	keys, err := store.GatewaysFor(ctx, r.opts.Reader, obj)
	if err != nil {
		// The indexes are in memory: this is a missing index, and no test
		// passes without it.
		log.FromContext(ctx).Error(err, "Could not tell which Gateways an object touches", "object", client.ObjectKeyFromObject(obj))
	}
	r.changes.note(keys, obj)
	return keys
}

func (r *GatewayReconciler) touchedOrOwner(ctx context.Context, obj client.Object) []types.NamespacedName {
	owners := owner(ctx, obj)
	// Those with the configuration are written with each change, and beside the fleet.
	if obj.GetObjectKind().GroupVersionKind().Kind != "ConfigMap" || !names.HoldsConfig(obj.GetName()) {
		r.changes.noteFleet(owners)
	}
	return append(r.touched(ctx, obj), owners...)
}

// noted has what leads from an object to Gateways note what of theirs may have changed.
func noted(gateways leads, note func([]types.NamespacedName)) leads {
	return func(ctx context.Context, obj client.Object) []types.NamespacedName {
		keys := gateways(ctx, obj)
		note(keys)
		return keys
	}
}

// every returns all Gateways: whoever selects ServiceMonitors may select any.
func (r *GatewayReconciler) every(ctx context.Context, _ client.Object) []types.NamespacedName {
	var list gatewayv1.GatewayList
	if err := r.opts.Reader.List(ctx, &list); err != nil {
		log.FromContext(ctx).Error(err, "Could not list the Gateways")
		return nil
	}
	keys := make([]types.NamespacedName, len(list.Items))
	for i := range list.Items {
		keys[i] = client.ObjectKeyFromObject(&list.Items[i])
	}
	return keys
}

// owner returns the Gateway that an object of a fleet belongs to.
func owner(_ context.Context, obj client.Object) []types.NamespacedName {
	ref := metav1.GetControllerOfNoCopy(obj)
	if ref == nil || ref.Kind != "Gateway" {
		return nil
	}
	return []types.NamespacedName{{Namespace: obj.GetNamespace(), Name: ref.Name}}
}

// fleetOf returns the Gateway that a pod's label names. A label may be too
// short for the name, so it is compared with those of the Gateways.
func (r *GatewayReconciler) fleetOf(ctx context.Context, pod client.Object) []types.NamespacedName {
	var list gatewayv1.GatewayList
	if err := r.opts.Reader.List(ctx, &list, client.InNamespace(pod.GetNamespace())); err != nil {
		log.FromContext(ctx).Error(err, "Could not list the Gateways of a namespace", "namespace", pod.GetNamespace())
		return nil
	}
	label := pod.GetLabels()[names.LabelGateway]
	for i := range list.Items {
		if names.LabelValue(list.Items[i].Name) == label {
			return []types.NamespacedName{client.ObjectKeyFromObject(&list.Items[i])}
		}
	}
	return nil
}

// noting is for kinds whose objects are collected: an update that does not matter is no
// reason to look at a Gateway, but whoever does so next is to have the new state.
func (r *GatewayReconciler) noting(matters func(before, after client.Object) bool) func(before, after client.Object) bool {
	return func(before, after client.Object) bool {
		if matters(before, after) {
			return true
		}
		if changed(before, after) {
			r.touched(context.Background(), before)
			r.touched(context.Background(), after)
		}
		return false
	}
}

// changed says whether there is a new version at all: a periodic resync has
// none.
func changed(before, after client.Object) bool {
	return before.GetResourceVersion() != after.GetResourceVersion()
}

// specChanged leaves out changes of the status, most of which are our own.
func specChanged(before, after client.Object) bool {
	return before.GetGeneration() != after.GetGeneration() || before.GetUID() != after.GetUID() ||
		!before.GetDeletionTimestamp().Equal(after.GetDeletionTimestamp()) || labelsChanged(before, after) ||
		!reflect.DeepEqual(before.GetAnnotations(), after.GetAnnotations())
}

// policyChanged says whether the spec has changed, or whether there is room in the
// status: a policy without does not apply.
func policyChanged(before, after client.Object) bool {
	return specChanged(before, after) || store.Full(before) != store.Full(after)
}

func labelsChanged(before, after client.Object) bool {
	return !reflect.DeepEqual(before.GetLabels(), after.GetLabels())
}

// ownedChanged says whether somebody changed an object of a fleet. Kinds
// without a generation have no status either.
func ownedChanged(before, after client.Object) bool {
	if after.GetGeneration() == 0 {
		return changed(before, after)
	}
	return specChanged(before, after) || !reflect.DeepEqual(before.GetOwnerReferences(), after.GetOwnerReferences()) ||
		progressed(before, after)
}

func endpointsChanged(before, after client.Object) bool {
	a, b := before.(*discoveryv1.EndpointSlice), after.(*discoveryv1.EndpointSlice)
	return a.AddressType != b.AddressType || labelsChanged(a, b) || !reflect.DeepEqual(a.OwnerReferences, b.OwnerReferences) ||
		!reflect.DeepEqual(a.Endpoints, b.Endpoints) || !reflect.DeepEqual(a.Ports, b.Ports)
}

// addressed says whether a pod has an address. One without cannot be asked, and is not
// ready: it comes back with its address.
func addressed(pod client.Object) bool { return pod.(*corev1.Pod).Status.PodIP != "" }

func podChanged(before, after client.Object) bool {
	return proxies.FromPod(before.(*corev1.Pod)) != proxies.FromPod(after.(*corev1.Pod)) || labelsChanged(before, after)
}

// changedByOthers leaves out what this process has just written itself. Of that, ConfigMaps
// have none of the keys that references ask for, so that nobody is to read them anew.
func (r *GatewayReconciler) changedByOthers(before, after client.Object) bool {
	own := slices.ContainsFunc(owner(context.Background(), after), func(key types.NamespacedName) bool {
		return r.writer.Wrote(key, after)
	})
	return changed(before, after) && !own
}
