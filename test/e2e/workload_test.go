package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
)

// shaped is a Gateway with parameters of its own.
const shaped = `
apiVersion: fleetgate.io/v1alpha1
kind: GatewayParameters
metadata: {name: own, namespace: {{.Namespace}}}
spec:
  proxy: {drainTimeout: 10s}
  workload: {{.Workload}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: {{.Namespace}}}
spec:
  gatewayClassName: fleetgate
  infrastructure:
    labels: {round: "{{.Round}}"}
    parametersRef: {group: fleetgate.io, kind: GatewayParameters, name: own}
  listeners:
  - {name: http, protocol: HTTP, port: 80}
`

func (s *tenantSpace) shape(workload, round string) {
	s.t.Helper()
	s.applyText(shaped, map[string]any{"Workload": workload, "Round": round})
}

// A fleet becomes a DaemonSet and a Deployment again without a request lost, keeps
// its Service, and leaves nothing of the other kind behind.
func TestDeploymentBecomesADaemonSetAndBackUnderLoad(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "workload")
	s.shape("{replicas: 1}", "0")
	s.apply("backend", map[string]any{"Name": "shop", "Replicas": 1})
	s.route("shop", "shop.example.com", "steady", "shop")
	s.waitBackend("shop")
	s.waitProgrammed()
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "steady", Name: s.namespace, Version: "shop"})
	service := read(s, "web-fleetgate", &corev1.Service{}).UID

	run := s.load("shop.example.com", load.Options{Workers: 2, Pace: 5 * time.Millisecond})
	s.shape("{kind: DaemonSet}", "0")
	s.waitWorkload("daemonset")
	s.shape("{kind: Deployment, replicas: 1}", "0")
	s.waitWorkload("deployment")
	wantNoneFailed(t, run, run.Sent()+100)
	if now := read(s, "web-fleetgate", &corev1.Service{}).UID; now != service {
		t.Errorf("the Service is %s, want %s still", now, service)
	}
}

// waitWorkload waits until the workload of the kind is ready and alone, and no pod of
// another is left.
func (s *tenantSpace) waitWorkload(kind string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	err := client.Poll(ctx, func(ctx context.Context) error {
		out, err := cluster.Kubectl(ctx, "get", "deployments,daemonsets", "-n", s.namespace, "-o", "name", "-l", gatewayv1.GatewayNameLabelKey+"=web")
		if err != nil {
			return err
		}
		if got, want := strings.TrimSpace(string(out)), kind+".apps/web-fleetgate"; got != want {
			return fmt.Errorf("the workloads are %q, want %s", got, want)
		}
		return s.podsOf(ctx, kind)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *tenantSpace) podsOf(ctx context.Context, kind string) error {
	var pods corev1.PodList
	err := cluster.Client.List(ctx, &pods, ctrlclient.InNamespace(s.namespace), ctrlclient.MatchingLabels{gatewayv1.GatewayNameLabelKey: "web"})
	if err != nil {
		return err
	}
	owner := map[string]string{"deployment": "ReplicaSet", "daemonset": "DaemonSet"}[kind]
	for _, pod := range pods.Items {
		if got := pod.OwnerReferences[0].Kind; got != owner {
			return fmt.Errorf("pod %s belongs to a %s", pod.Name, got)
		}
	}
	if len(pods.Items) != 1 {
		return fmt.Errorf("%d pods, want 1", len(pods.Items))
	}
	return nil
}

// Whoever scales the Deployment decides: the autoscaler that the parameters ask for,
// and one that somebody else has made. So it is with all fields that are not ours.
func TestReplicasBelongToWhoScalesThem(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "autoscaled")
	s.shape("{autoscaling: {minReplicas: 1, maxReplicas: 3}}", "0")
	s.waitProgrammed()
	s.wantText("hpa/web-fleetgate", "{.spec.scaleTargetRef.kind} {.spec.scaleTargetRef.name} {.spec.minReplicas} {.spec.maxReplicas}", "Deployment web-fleetgate 1 3")
	s.writeByHand()
	s.kubectl("scale", "deployment/web-fleetgate", "--replicas=2")
	s.shape("{autoscaling: {minReplicas: 1, maxReplicas: 3}}", "1")
	s.wantReplicas("1", 2)

	s.shape("{replicas: 1}", "2")
	s.wantReplicas("2", 1)
	s.wantGone("hpa/web-fleetgate")

	s.applyText(autoscalerOfOthers, nil)
	s.wantReplicas("2", 2)
	s.shape("{replicas: 3}", "3")
	s.wantReplicas("3", 2)

	// What it has decided stands, until another number is asked for.
	s.kubectl("delete", "hpa/theirs")
	s.shape("{replicas: 3}", "4")
	s.wantReplicas("4", 2)
	s.shape("{replicas: 1}", "5")
	s.wantReplicas("5", 1)
	s.wantByHand()
}

// autoscalerOfOthers needs no metrics to find that one replica is not enough.
const autoscalerOfOthers = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: theirs, namespace: {{.Namespace}}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web-fleetgate}
  minReplicas: 2
  maxReplicas: 2
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
`

// wantReplicas waits until the Deployment is of a round of changes and has a number of
// replicas.
func (s *tenantSpace) wantReplicas(round string, want int32) {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		deployment := &appsv1.Deployment{}
		if err := cluster.Client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: "web-fleetgate"}, deployment); err != nil {
			return err
		}
		if got := deployment.Labels["round"]; got != round || *deployment.Spec.Replicas != want {
			return fmt.Errorf("round %q with %d replicas, want %s with %d", got, *deployment.Spec.Replicas, round, want)
		}
		return nil
	})
}

func (s *tenantSpace) wantGone(objects ...string) {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		out, err := cluster.Kubectl(ctx, slices.Concat([]string{"get", "-n", s.namespace, "-o", "name", "--ignore-not-found"}, objects)...)
		if err == nil && len(out) > 0 {
			err = fmt.Errorf("still there: %s", out)
		}
		return err
	})
}
