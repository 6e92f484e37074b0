package local

import (
	"strings"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/local/fleet"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// The sample of parameters is in effect without a complaint, as those of a class.
// Those of a Gateway that sets what it reserves are told as a trouble.
func TestSampleOfParameters(t *testing.T) {
	class := &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ControllerName: defaultController}}
	class.Name = "fleetgate"
	class.Spec.ParametersRef = &gatewayv1.ParametersReference{
		Group: "fleetgate.io", Kind: "GatewayParameters", Namespace: new(gatewayv1.Namespace("fleetgate-system")), Name: "production",
	}
	plain, greedy := &gatewayv1.Gateway{}, &gatewayv1.Gateway{}
	for name, gw := range map[string]*gatewayv1.Gateway{"plain": plain, "greedy": greedy} {
		gw.Namespace, gw.Name = "default", name
		gw.Spec.GatewayClassName = "fleetgate"
		gw.Spec.Listeners = []gatewayv1.Listener{{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType}}
	}
	greedy.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{ParametersRef: &gatewayv1.LocalParametersReference{
		Group: "fleetgate.io", Kind: "GatewayParameters", Name: "own",
	}}
	own := &v1alpha1.GatewayParameters{Spec: v1alpha1.GatewayParametersSpec{
		Workload: &v1alpha1.WorkloadParameters{Autoscaling: &v1alpha1.Autoscaling{MaxReplicas: new(int32(500))}},
	}}
	own.Namespace, own.Name = "default", "own"

	all := translateSample(t, "parameters", class, plain, greedy, own)
	if len(all) != 2 {
		t.Fatalf("%d Gateways", len(all))
	}
	for _, one := range all {
		if least := one.graph.Gateway.Parameters.Spec.Workload.Autoscaling.MaxReplicas; *least != 20 {
			t.Errorf("%s has at most %d replicas", one.source.Name, *least)
		}
		observed := one.observed(fleet.State{})
		var told []string
		for _, trouble := range troubles(one, status.Build(one.graph, observed)) {
			if trouble.Reason == v1alpha1.ReasonFieldsRefused {
				told = append(told, trouble.Message)
			}
		}
		if refused := strings.Join(told, "\n"); (one.source == greedy) != strings.Contains(refused, "spec.workload.autoscaling.maxReplicas of GatewayParameters default/own has no effect") {
			t.Errorf("of %s it tells %q", one.source.Name, refused)
		}
	}
}
