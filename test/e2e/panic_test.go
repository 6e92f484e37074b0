package e2e

import (
	"context"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/variant"
)

// panicking are a route and a ListenerSet that meet the defect of variant.Panics.
const panicking = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: broken, namespace: {{.Namespace}}}
spec:
  parentRefs: [{name: web}]
  hostnames: [broken.example.com]
  rules:
  - filters:
    - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: {{.Header}}, value: "yes"}]}}
    backendRefs: [{name: shop, port: 8080}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: broken, namespace: {{.Namespace}}}
spec:
  parentRef: {name: web}
  listeners:
  - {name: more, port: 8081, protocol: HTTP, hostname: {{.Hostname}}}
`

// A route and a ListenerSet that meet a defect of the operator, with which the translation
// panics, have a condition and an Event each that say so. The route's requests are answered
// with 500; the other routes of its Gateway, and those of others, serve and change as
// before, and the operator's process lives.
func TestAPanicIsOneObjectsAlone(t *testing.T) {
	use := buildVariant(t, variant.Panics, variant.PanickingOperator)
	s, other := settled(t, "panics"), settled(t, "beside-panics")
	s.kubectl("patch", "gateway/web", "--type=merge", "-p", `{"spec":{"allowedListeners":{"namespaces":{"from":"Same"}}}}`)
	use()
	t.Cleanup(func() { reinstall(t) })
	wait(t, func(ctx context.Context) error { return cluster.UseOperator(ctx, variant.PanickingOperator.Image) })
	before := operatorPod(t)
	runs := []*load.Run{s.load("shop.example.com", load.Options{Workers: 2}), other.load("shop.example.com", load.Options{Workers: 2})}

	s.applyText(panicking, map[string]any{"Header": variant.PanicHeader, "Hostname": variant.PanicHostname})
	s.wantRoute("broken", "Accepted", metav1.ConditionFalse, "InternalError")
	s.wantText("listenerset/broken", `{.status.conditions[?(@.type=="Accepted")].reason}`, "InternalError")
	s.wantText("events.events.k8s.io", `{range .items[?(@.reason=="TranslationFailed")]}{.type} {.regarding.kind} {.regarding.name};{end}`,
		"Warning HTTPRoute broken;", "Warning ListenerSet broken;")
	s.waitFor("broken.example.com", "/", answer{Status: http.StatusInternalServerError})
	for _, tenant := range []*tenantSpace{s, other} {
		tenant.route("shop", "shop.example.com", "changed", "shop")
		tenant.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "changed", Name: tenant.namespace, Version: "shop"})
		tenant.wantRoute("shop", "Accepted", metav1.ConditionTrue, "Accepted")
		tenant.waitProgrammed()
	}

	s.route("broken", "broken.example.com", "mended", "shop")
	s.waitFor("broken.example.com", "/", answer{Status: http.StatusOK, Mark: "mended", Name: s.namespace, Version: "shop"})
	s.wantRoute("broken", "Accepted", metav1.ConditionTrue, "Accepted")
	s.kubectl("patch", "listenerset/broken", "--type=json", "-p", `[{"op":"remove","path":"/spec/listeners/0/hostname"}]`)
	s.wantText("listenerset/broken", `{.status.conditions[?(@.type=="Programmed")].status}`, "True")
	for _, run := range runs {
		wantNoneFailed(t, run, 2_000)
	}
	after := operatorPod(t)
	if restarts := after.Status.ContainerStatuses[0].RestartCount; after.UID != before.UID || restarts != 0 {
		t.Errorf("the operator's pod %s, which was %s, has restarted %d times", after.Name, before.Name, restarts)
	}
}

func operatorPod(t *testing.T) *corev1.Pod {
	t.Helper()
	pod, err := cluster.OperatorPod(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pod
}
