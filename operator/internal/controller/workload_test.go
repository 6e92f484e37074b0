package controller

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

// runs lists the kinds of the workloads that there are.
func (w *world) runs(name string) string {
	var kinds []string
	if w.exists(name, &appsv1.Deployment{}) {
		kinds = append(kinds, "Deployment")
	}
	if w.exists(name, &appsv1.DaemonSet{}) {
		kinds = append(kinds, "DaemonSet")
	}
	return strings.Join(kinds, " and ")
}

func (w *world) kind(kind v1alpha1.WorkloadKind) {
	w.workload = &v1alpha1.WorkloadParameters{Kind: &kind}
}

// serve has all pods of a workload become available.
func serve[T client.Object](w *world, name string, workload T) {
	w.t.Helper()
	switch live := any(get(w, name, workload)).(type) {
	case *appsv1.Deployment:
		n := *live.Spec.Replicas
		live.Status = appsv1.DeploymentStatus{ObservedGeneration: live.Generation, Replicas: n, UpdatedReplicas: n, AvailableReplicas: n}
	case *appsv1.DaemonSet:
		live.Status = appsv1.DaemonSetStatus{
			ObservedGeneration: live.Generation, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberAvailable: 3,
		}
	}
	w.must(w.client.Status().Update(w.t.Context(), workload))
}

func TestAWorkloadOfAnotherKindServesBeforeTheOldOneGoes(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	name := fleet("gw").Name()
	w.look("gw")
	serve(w, name, &appsv1.Deployment{})
	step := func(want string) {
		t.Helper()
		w.look("gw")
		if got := w.runs(name); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	w.kind(v1alpha1.WorkloadDaemonSet)
	step("Deployment and DaemonSet")
	step("Deployment and DaemonSet")
	serve(w, name, &appsv1.DaemonSet{})
	step("DaemonSet")
	w.kind(v1alpha1.WorkloadDeployment)
	step("Deployment and DaemonSet")
	serve(w, name, &appsv1.Deployment{})
	step("Deployment")
}

func TestWhatParametersSwitchOffIsRemoved(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	name := fleet("gw").Name()
	yes := true
	w.workload = &v1alpha1.WorkloadParameters{Autoscaling: &v1alpha1.Autoscaling{}}
	w.look("gw")
	if !w.exists(name, &autoscalingv2.HorizontalPodAutoscaler{}) || !w.exists(name, &policyv1.PodDisruptionBudget{}) {
		t.Fatal("there is no autoscaler or no budget")
	}
	w.workload = &v1alpha1.WorkloadParameters{DisruptionBudget: &v1alpha1.DisruptionBudget{Disabled: &yes}}
	w.look("gw")
	if w.exists(name, &autoscalingv2.HorizontalPodAutoscaler{}) || w.exists(name, &policyv1.PodDisruptionBudget{}) {
		t.Error("there still is an autoscaler or a budget")
	}
}

// What the API server refuses is told with its words, and the rest goes on.
func TestARefusedObjectIsTold(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.invalid = "HorizontalPodAutoscaler"
	w.workload = &v1alpha1.WorkloadParameters{Autoscaling: &v1alpha1.Autoscaling{}}
	_, err := w.gateways.Reconcile(t.Context(), request("tenant", "gw"))
	if err == nil {
		t.Error("it is not tried again")
	}
	if got := w.runs(fleet("gw").Name()); got != "Deployment" {
		t.Errorf("got %q", got)
	}
	programmed := conditions.Find(get(w, "gw", &gatewayv1.Gateway{}).Status.Conditions, "Programmed")
	event := w.event()
	for _, text := range []string{programmed.Message, event} {
		if !strings.Contains(text, "HorizontalPodAutoscaler") || !strings.Contains(text, "is more than maxReplicas") {
			t.Errorf("it tells %q", text)
		}
	}
	if !strings.Contains(event, ProvisioningFailed) {
		t.Errorf("got the event %q", event)
	}
}
