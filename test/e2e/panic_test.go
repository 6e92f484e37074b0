package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/variant"
)

// panicking are the objects of testdata/panics.yaml that meet the defect of variant.Panics.
var panicking = []string{
	"HTTPRoute", "ListenerSet", "BackendTLSPolicy", "XBackendTrafficPolicy", "XTelemetryPolicy", "XBackend",
}

// Objects that meet a defect of the operator, with which the translation panics, have a
// condition and an Event each that say so. What leads to them is answered with an error; all
// else of their Gateway, and the Gateways of others, serve and change as before, and the
// operator's process lives.
func TestAPanicIsOneObjectsAlone(t *testing.T) {
	use := buildVariant(t, variant.Panics, variant.PanickingOperator)
	s, other := settled(t, "panics"), settled(t, "beside-panics")
	s.kubectl("patch", "gateway/web", "--type=merge", "-p", `{"spec":{"allowedListeners":{"namespaces":{"from":"Same"}}}}`)
	use()
	t.Cleanup(func() { reinstall(t) })
	wait(t, func(ctx context.Context) error { return cluster.UseOperator(ctx, variant.PanickingOperator.Image) })
	before := operatorPod(t)
	runs := []*load.Run{s.load("shop.example.com", load.Options{Workers: 2}), other.load("shop.example.com", load.Options{Workers: 2})}

	s.apply("panics", map[string]any{"Name": variant.PanicName, "Header": variant.PanicHeader, "Hostname": variant.PanicHostname})
	for _, kind := range panicking {
		s.wantBroken(kind, variant.PanicName)
	}
	s.waitFor("panics.example.com", "/", answer{Status: http.StatusInternalServerError})
	s.waitFor("leads.example.com", "/far", answer{Status: http.StatusInternalServerError})
	s.waitFor("leads.example.com", "/vault", answer{Status: http.StatusBadGateway})
	for _, tenant := range []*tenantSpace{s, other} {
		tenant.changeShop("changed")
		tenant.waitProgrammed()
	}

	s.route(variant.PanicName, "panics.example.com", "mended", "shop")
	s.waitFor("panics.example.com", "/", answer{Status: http.StatusOK, Mark: "mended", Name: s.namespace, Version: "shop"})
	s.wantRoute(variant.PanicName, "Accepted", metav1.ConditionTrue, "Accepted")
	s.kubectl("patch", "listenerset/"+variant.PanicName, "--type=json", "-p", `[{"op":"remove","path":"/spec/listeners/0/hostname"}]`)
	s.wantText("listenerset/"+variant.PanicName, `{.status.conditions[?(@.type=="Programmed")].status}`, "True")
	s.kubectl("delete", "backendtlspolicy/"+variant.PanicName)
	s.waitFor("leads.example.com", "/vault", answer{Status: http.StatusOK, Name: s.namespace, Version: "shop"})

	s.panicWithParameters()
	other.changeShop("unmoved")
	for _, run := range runs {
		wantNoneFailed(t, run, 2_000)
	}
	after := operatorPod(t)
	if restarts := after.Status.ContainerStatuses[0].RestartCount; after.UID != before.UID || restarts != 0 {
		t.Errorf("the operator's pod %s, which was %s, has restarted %d times", after.Name, before.Name, restarts)
	}
}

// wantBroken waits until an object tells of a defect by its condition and an Event.
func (s *tenantSpace) wantBroken(kind, name string) {
	s.t.Helper()
	s.wantText(strings.ToLower(kind)+"/"+name, `{..conditions[?(@.type=="Accepted")]['status','reason']}`, "False InternalError")
	s.wantText("events.events.k8s.io", `{range .items[?(@.reason=="TranslationFailed")]}{.type} {.regarding.kind} {.regarding.name};{end}`,
		"Warning "+kind+" "+name+";")
}

// changeShop changes the tenant's route, and waits until it is served so.
func (s *tenantSpace) changeShop(mark string) {
	s.t.Helper()
	s.route("shop", "shop.example.com", mark, "shop")
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: mark, Name: s.namespace, Version: "shop"})
	s.wantRoute("shop", "Accepted", metav1.ConditionTrue, "Accepted")
}

// panicWithParameters has the Gateway's own parameters meet the defect, and be mended. Its
// fleet stays as it was, and serves what changes of its routes.
func (s *tenantSpace) panicWithParameters() {
	s.t.Helper()
	s.applyText(`
apiVersion: fleetgate.io/v1alpha1
kind: GatewayParameters
metadata: {name: own, namespace: {{.Namespace}}}
spec: {workload: {replicas: 1}, pod: {labels: { {{- .Label}}: "yes"}}}
`, map[string]any{"Label": variant.PanicLabel})
	s.kubectl("patch", "gateway/web", "--type=merge", "-p",
		`{"spec":{"infrastructure":{"parametersRef":{"group":"fleetgate.io","kind":"GatewayParameters","name":"own"}}}}`)
	s.wantBroken(v1alpha1.KindGatewayParameters, "own")
	s.wantText("gateway/web", `{.status.conditions[?(@.type=="Accepted")]['reason','message']}`, "InvalidParameters", "GatewayParameters "+s.namespace+"/own")
	s.changeShop("with broken parameters")
	s.wantText("deployment/web-fleetgate", "{.spec.replicas} {.status.readyReplicas}", "2 2")

	s.kubectl("patch", "gwparams/own", "--type=json", "-p", `[{"op":"remove","path":"/spec/pod"}]`)
	s.wantText("gwparams/own", `{.status.conditions[?(@.type=="Accepted")]['status','reason']}`, "True Accepted")
	s.wantText("deployment/web-fleetgate", "{.spec.replicas} {.status.readyReplicas}", "1 1")
	s.waitProgrammed()
}

func operatorPod(t *testing.T) *corev1.Pod {
	t.Helper()
	pod, err := cluster.OperatorPod(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pod
}
