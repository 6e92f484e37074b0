package status_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

func parametersAt(generation int64) *v1alpha1.GatewayParameters {
	return &v1alpha1.GatewayParameters{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "p", Generation: generation}}
}

func refusedField(field string) []v1alpha1.RefusedField {
	return []v1alpha1.RefusedField{{Field: field, Message: "no"}}
}

func TestParametersSayWhatBecameOfThem(t *testing.T) {
	for _, test := range []struct {
		name string
		use  status.ParametersUse
		want string
	}{
		{"nobody uses them", status.ParametersUse{}, "Unknown Unused: No GatewayClass of Fleetgate and no Gateway names them"},
		{"a class without Gateways", status.ParametersUse{Classes: 1}, "True Accepted: All fields are in effect"},
		{"one with a refused field", status.ParametersUse{Classes: 1, Refused: refusedField("a")}, "False FieldsRefused: spec.a has no effect: no"},
		{"a Gateway", status.ParametersUse{Gateways: []v1alpha1.GatewayUse{{Name: "gw"}}}, "True Accepted: All fields are in effect"},
		{"each field once", status.ParametersUse{Gateways: []v1alpha1.GatewayUse{
			{Name: "x", Refused: refusedField("b")}, {Name: "y", Refused: refusedField("a")}, {Name: "z", Refused: refusedField("b")},
		}}, "False FieldsRefused: spec.a has no effect: no; spec.b has no effect: no"},
	} {
		got := status.BuildParameters(parametersAt(3), &test.use)
		c := got.Conditions[0]
		if text := fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message); text != test.want || c.Type != "Accepted" || c.ObservedGeneration != 3 {
			t.Errorf("%s: %s %s (generation %d)", test.name, c.Type, text, c.ObservedGeneration)
		}
		if int(got.Attached) != len(test.use.Gateways) {
			t.Errorf("%s: %d are attached", test.name, got.Attached)
		}
	}
}

func TestListOfGatewaysIsBounded(t *testing.T) {
	use := &status.ParametersUse{}
	for i := range 100 {
		use.Gateways = append(use.Gateways, v1alpha1.GatewayUse{Namespace: "ns", Name: fmt.Sprintf("gw-%02d", (i*37)%100)})
	}
	for i := range use.Gateways {
		if use.Gateways[i].Name == "gw-90" {
			for range 20 {
				use.Gateways[i].Refused = append(use.Gateways[i].Refused, refusedField("x")...)
			}
		}
	}
	got := status.BuildParameters(parametersAt(1), use)
	first := []string{got.Gateways[0].Name, got.Gateways[1].Name, got.Gateways[63].Name}
	if diff := cmp.Diff([]string{"gw-90", "gw-00", "gw-62"}, first); diff != "" || len(got.Gateways) != 64 || got.Attached != 100 {
		t.Errorf("%d of %d (-want +got):\n%s", len(got.Gateways), got.Attached, diff)
	}
	if n := len(got.Gateways[0].Refused); n != 16 {
		t.Errorf("%d refused fields", n)
	}
}

func TestRefusedFieldsAreThoseOfALayer(t *testing.T) {
	refused := []parameters.Refusal{
		{Layer: parameters.LayerClass, Field: "a", Message: strings.Repeat("é", 300)},
		{Layer: parameters.LayerGateway, Field: strings.Repeat("b", 300), Message: "no"},
	}
	ofClass, own := status.RefusedFields(refused, parameters.LayerClass), status.RefusedFields(refused, parameters.LayerGateway)
	if len(ofClass) != 1 || ofClass[0].Field != "a" || len([]rune(ofClass[0].Message)) != 256 || len(own) != 1 || len([]rune(own[0].Field)) != 256 {
		t.Errorf("got %v and %v", ofClass, own)
	}
}

func TestMergeOfParametersLeavesTheRest(t *testing.T) {
	foreign := metav1.Condition{Type: "example.com/Reviewed", Status: metav1.ConditionTrue, Reason: "Fine"}
	live := v1alpha1.GatewayParametersStatus{Conditions: []metav1.Condition{foreign}}
	want := status.BuildParameters(parametersAt(1), &status.ParametersUse{Gateways: []v1alpha1.GatewayUse{{Namespace: "ns", Name: "gw", Refused: refusedField("a")}}})
	merged, changed := status.MergeParameters(live, &want, atLater)
	if c := conditions.Find(merged.Conditions, foreign.Type); !changed || c == nil || *c != foreign || len(merged.Conditions) != 2 {
		t.Errorf("changed is %t, merged is %+v", changed, merged)
	}
	if _, again := status.MergeParameters(merged, &want, atLater); again {
		t.Error("the same once more changes something")
	}
	if got := status.Reported(&merged, types.NamespacedName{Namespace: "ns", Name: "gw"}); len(got) != 1 {
		t.Errorf("of the Gateway it reports %v", got)
	}
	if got := status.Reported(&merged, types.NamespacedName{Namespace: "ns", Name: "other"}); got != nil {
		t.Errorf("of another Gateway it reports %v", got)
	}
}
