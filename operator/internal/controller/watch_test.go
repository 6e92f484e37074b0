package controller

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

func TestWhatMatters(t *testing.T) {
	tests := []struct {
		name          string
		matters       func(before, after client.Object) bool
		before, after client.Object
		want          bool
	}{
		{"a status is not a spec", specChanged, &gatewayv1.Gateway{}, &gatewayv1.Gateway{Status: gatewayv1.GatewayStatus{Listeners: []gatewayv1.ListenerStatus{{}}}}, false},
		{"a generation", specChanged, deploymentOf(1, nil), deploymentOf(2, nil), true},
		{"a label", specChanged, deploymentOf(1, nil), deploymentOf(1, map[string]string{"a": "b"}), true},
		{"a Role's new version", ownedChanged, &corev1.ServiceAccount{}, version("2"), true},
		{"a Deployment's progress", ownedChanged, deploymentOf(1, nil), progress(deploymentOf(1, nil), 1), false},
		{"a Deployment whose pods are all there", ownedChanged, deploymentOf(1, nil), complete(deploymentOf(1, nil)), true},
		{"a Deployment whose pods are refused", ownedChanged, deploymentOf(1, nil), refuse(deploymentOf(1, nil)), true},
		{"a Deployment that lost its owner", ownedChanged, owned(deploymentOf(1, nil)), deploymentOf(1, nil), true},
		{"endpoints", endpointsChanged, &discoveryv1.EndpointSlice{}, &discoveryv1.EndpointSlice{Endpoints: []discoveryv1.Endpoint{{}}}, true},
		{"a slice's annotation", endpointsChanged, &discoveryv1.EndpointSlice{},
			&discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"a": "b"}}}, false},
		{"a pod's address", podChanged, &corev1.Pod{}, &corev1.Pod{Status: corev1.PodStatus{PodIP: "10.0.0.1"}}, true},
		{"a pod's phase", podChanged, &corev1.Pod{}, &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning}}, false},
		{"an entry in a policy's status", policyChanged, crowdedBy(1), crowdedBy(15), false},
		{"the last entry that there is room for", policyChanged, crowdedBy(15), crowdedBy(16), true},
		{"a resync", changed, version("1"), version("1"), false},
	}
	for _, tt := range tests {
		if got := tt.matters(tt.before, tt.after); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestWhatMattersOfWhatIsNew(t *testing.T) {
	all := map[reflect.Type]watch{}
	for _, w := range (&GatewayReconciler{}).watches() {
		all[reflect.TypeOf(w.object)] = w
	}
	for name, tt := range map[string]struct {
		object client.Object
		want   bool
	}{
		"a pod that has no address yet": {&corev1.Pod{}, false},
		"a pod":                         {&corev1.Pod{Status: corev1.PodStatus{PodIP: "10.0.0.1"}}, true},
		"anything else":                 {&corev1.Service{}, true},
	} {
		if got := all[reflect.TypeOf(tt.object)].predicate().Create(event.CreateEvent{Object: tt.object}); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func crowdedBy(entries int) *gatewayv1.BackendTLSPolicy {
	return &gatewayv1.BackendTLSPolicy{Status: gatewayv1.PolicyStatus{Ancestors: make([]gatewayv1.PolicyAncestorStatus, entries)}}
}

func deploymentOf(generation int64, labels map[string]string) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Generation: generation, Labels: labels}}
}

func version(v string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{ResourceVersion: v}}
}

func progress(d *appsv1.Deployment, ready int32) *appsv1.Deployment {
	d.Status.ReadyReplicas, d.ResourceVersion = ready, "2"
	return d
}

func complete(d *appsv1.Deployment) *appsv1.Deployment {
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}
	return d
}

func refuse(d *appsv1.Deployment) *appsv1.Deployment {
	d.Status.Conditions = []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: "violates PodSecurity",
	}}
	return d
}

func owned(d *appsv1.Deployment) *appsv1.Deployment {
	d.OwnerReferences = []metav1.OwnerReference{{Kind: "Gateway", Name: "gw", UID: "uid-gw", Controller: new(true)}}
	return d
}

// Every kind of a fleet leads back to its Gateway, so that whatever happens to
// one of its objects is seen.
func TestFleetObjectsLeadToTheirGateway(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.look("gw")
	own := types.NamespacedName{Namespace: "tenant", Name: "gw"}
	for _, watch := range w.gateways.watches() {
		switch watch.object.(type) {
		case *gatewayv1.Gateway, *gatewayv1.GatewayClass, *gatewayv1.HTTPRoute, *gatewayv1.ReferenceGrant,
			*corev1.Namespace, *corev1.Pod, *discoveryv1.EndpointSlice:
			continue
		}
		obj := watch.object.DeepCopyObject().(client.Object)
		obj.SetNamespace("tenant")
		if obj.GetObjectKind().GroupVersionKind().Kind == "CustomResourceDefinition" {
			obj.SetName(gatewayCRD)
		}
		obj.SetOwnerReferences(owned(deploymentOf(1, nil)).OwnerReferences)
		if got := watch.gateways(t.Context(), obj); !slices.Contains(got, own) {
			t.Errorf("a %T leads to %v", obj, got)
		}
	}
}

func TestPodLeadsToItsGatewayByAShortenedLabel(t *testing.T) {
	long := strings.Repeat("long-", 20) + "name"
	w := newWorld(t, gateway("gw"), gateway(long))
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Labels: names.Labels(long, "fleetgate")}}
	want := []types.NamespacedName{{Namespace: "tenant", Name: long}}
	if got := w.gateways.fleetOf(t.Context(), pod); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	pod.Labels = names.Labels("missing", "fleetgate")
	if got := w.gateways.fleetOf(t.Context(), pod); got != nil {
		t.Errorf("got %v", got)
	}
}

// The Gateway hears of what others do to its ConfigMap, and not of itself.
func TestOwnWritesAreNoNews(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.look("gw")
	before := &corev1.ConfigMap{}
	after := get(w, "gw-fleetgate-config", &corev1.ConfigMap{})
	if w.gateways.changedByOthers(before, after) {
		t.Error("its own write is news")
	}
	after.Data["theirs"] = "x"
	w.must(w.client.Update(t.Context(), after))
	if !w.gateways.changedByOthers(before, after) {
		t.Error("somebody's edit is no news")
	}
}
