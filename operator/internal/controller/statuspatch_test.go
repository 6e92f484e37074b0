package controller

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestAStatusPatchHasWhatDiffersAlone(t *testing.T) {
	ready := []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue, Reason: "Yes"}}
	const condition = `[{"type":"Ready","status":"True","lastTransitionTime":null,"reason":"Yes","message":""}]`
	address := []gatewayv1.GatewayStatusAddress{{Value: "192.0.2.1"}}
	for name, tt := range map[string]struct {
		before, after gatewayv1.GatewayStatus
		want          string
	}{
		"nothing": {gatewayv1.GatewayStatus{Conditions: ready}, gatewayv1.GatewayStatus{Conditions: ready}, `{}`},
		"a field more": {
			gatewayv1.GatewayStatus{Addresses: address},
			gatewayv1.GatewayStatus{Addresses: address, Conditions: ready}, `{"conditions":` + condition + `}`,
		},
		"a field less": {
			gatewayv1.GatewayStatus{Addresses: address, Conditions: ready},
			gatewayv1.GatewayStatus{Conditions: ready}, `{"addresses":null}`,
		},
		"an entry less": {
			gatewayv1.GatewayStatus{Addresses: append(address, gatewayv1.GatewayStatusAddress{Value: "192.0.2.2"})},
			gatewayv1.GatewayStatus{Addresses: address}, `{"addresses":[{"value":"192.0.2.1"}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			live := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "7"}, Status: tt.before}
			got, err := statusPatch{live}.Data(&gatewayv1.Gateway{Status: tt.after})
			if want := `{"metadata":{"resourceVersion":"7"},"status":` + tt.want + `}`; err != nil || string(got) != want {
				t.Errorf("got  %s, %v\nwant %s", got, err, want)
			}
		})
	}
}
