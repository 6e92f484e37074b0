package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// A Gateway changes what its class leaves to it, and is told of the rest.
func TestParametersOfClassAndGateway(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "parameters")
	const class = "e2e-parameters"
	t.Cleanup(func() {
		// The class goes once its Gateway has.
		object := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: class}}
		if err := cluster.Client.Delete(context.Background(), object); err != nil {
			t.Error(err)
		}
	})
	s.apply("parameters", map[string]any{"Class": class})
	s.waitDeployment("web-" + class)
	s.wantText("deployment/web-"+class, "{.spec.replicas} {.spec.template.metadata.labels.team}", "1 shop")
	condition := `{.status.conditions[?(@.type=="fleetgate.io/ParametersAccepted")]['status','reason','message']}`
	s.wantText("gateway/web", condition, "False FieldsRefused", "spec.workload.replicas of GatewayParameters e2e-parameters/own has no effect", "spec.proxy.image")
	s.wantText("gwparams/own", "{.status.gateways[0].name} {.status.gateways[0].refused[*].field}", "web proxy.image workload.replicas")
	wait(t, func(ctx context.Context) error {
		out, err := cluster.Kubectl(ctx, "get", "gwparams", "-n", s.namespace, "--no-headers")
		if err != nil {
			return err
		}
		var rows []string
		for line := range strings.Lines(string(out)) {
			rows = append(rows, strings.Join(strings.Fields(line)[:3], " "))
		}
		if want := "class True 1; own False 1"; strings.Join(rows, "; ") != want {
			return fmt.Errorf("gwparams are %q, want %q", rows, want)
		}
		return nil
	})

	s.kubectl("delete", "gwparams", "own")
	s.wantText("gateway/web", `{.status.conditions[?(@.type=="Accepted")].reason}`, "InvalidParameters")
	s.wantText("deployment/web-"+class, "{.spec.replicas} {.status.readyReplicas}", "1 1")
}

// The API server refuses by itself what is wrong in one object.
func TestParametersAreValidatedByTheAPIServer(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "badparameters")
	for spec, want := range map[string]string{
		"workload: {kind: DaemonSet, replicas: 2}":                                 "a DaemonSet has neither replicas nor autoscaling",
		"workload: {autoscaling: {minReplicas: 3, maxReplicas: 2}}":                "minReplicas is more than maxReplicas",
		"workload: {disruptionBudget: {minAvailable: 1, maxUnavailable: 1}}":       "exclude each other",
		"backends: {hash: {source: Header}}":                                       "a header or cookie has a name",
		"backends: {healthCheck: {type: TCP, path: /}}":                            "are for HTTP",
		"service: {loadBalancerSourceRanges: [10.0.0.0]}":                          "is not a network",
		"sensor: {mode: \"On\"}":                                                   "Unsupported value",
		"proxy: {drainTimeout: soon}":                                              "should match",
		"workload: {replica: 2}":                                                   "field not declared in schema",
		"reserved: [\"workload[0]\"]":                                              "should match",
		"overlays: [{target: Secret, patch: {}}]":                                  "Unsupported value",
		"monitoring: {serviceMonitor: {interval: often}}":                          "should match",
		"workload: {updateStrategy: {maxSurge: many}}":                             "should match",
		"proxy: {accessLog: {samplePercent: 101}}":                                 "less than or equal to 100",
		"service: {nodePorts: [{port: 80, nodePort: 1}, {port: 80, nodePort: 2}]}": "duplicate entries",
	} {
		manifest := "apiVersion: fleetgate.io/v1alpha1\nkind: GatewayParameters\nmetadata: {name: bad, namespace: " + s.namespace + "}\nspec: {" + spec + "}\n"
		if _, err := cluster.Apply(t.Context(), []byte(manifest)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
}

// kubectl runs kubectl in the tenant's namespace.
func (s *tenantSpace) kubectl(args ...string) {
	s.t.Helper()
	if _, err := cluster.Kubectl(s.t.Context(), append(args, "-n", s.namespace)...); err != nil {
		s.t.Fatal(err)
	}
}

// wantText waits until what a JSONPath finds of an object has all the texts.
func (s *tenantSpace) wantText(object, path string, want ...string) {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		out, err := cluster.Kubectl(ctx, "get", object, "-n", s.namespace, "-o", "jsonpath="+path)
		if err != nil {
			return err
		}
		for _, text := range want {
			if !strings.Contains(string(out), text) {
				return fmt.Errorf("%s of %s is %q, want %q", path, object, out, text)
			}
		}
		return nil
	})
}
