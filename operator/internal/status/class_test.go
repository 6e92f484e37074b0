package status_test

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

func class(spec gatewayv1.GatewayClassSpec) *gatewayv1.GatewayClass {
	return &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: "fleetgate", Generation: 3}, Spec: spec}
}

func TestClass(t *testing.T) {
	parameters := &gatewayv1.ParametersReference{Group: "example.com", Kind: "Tuning", Name: "fast"}
	for _, test := range []struct {
		name                    string
		parameters              *gatewayv1.ParametersReference
		version                 string
		accepted, supported     metav1.ConditionStatus
		acceptedWhy, versionWhy string
	}{
		{"ours", nil, "v1.7.0", "True", "True", "Accepted", "SupportedVersion"},
		{"a patch release", nil, "v1.7.3", "True", "True", "Accepted", "SupportedVersion"},
		{"an older minor", nil, "v1.6.3", "True", "False", "Accepted", "UnsupportedVersion"},
		{"no version", nil, "", "True", "False", "Accepted", "UnsupportedVersion"},
		{"unknown parameters", parameters, "v1.7.0", "False", "True", "InvalidParameters", "SupportedVersion"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := class(gatewayv1.GatewayClassSpec{ControllerName: ours, ParametersRef: test.parameters})
			got := status.BuildClass(graph.BuildClass(source, nil, nil, graph.Options{ControllerName: string(ours)}), status.CRDs{Version: test.version})
			check := func(typ string, want metav1.ConditionStatus, reason string) {
				c := conditions.Find(got.Conditions, typ)
				if c == nil || c.Status != want || c.Reason != reason || c.ObservedGeneration != 3 {
					t.Errorf("%s is %+v, want %s %s", typ, c, want, reason)
				}
			}
			check("Accepted", test.accepted, test.acceptedWhy)
			check("SupportedVersion", test.supported, test.versionWhy)
		})
	}
}

func TestClassOfAnotherControllerIsNotOurs(t *testing.T) {
	source := class(gatewayv1.GatewayClassSpec{ControllerName: "example.com/other"})
	if got := graph.BuildClass(source, nil, nil, graph.Options{ControllerName: string(ours)}); got != nil {
		t.Errorf("got %+v", got)
	}
}

func TestSupportedFeaturesAreSortedAndUnique(t *testing.T) {
	source := class(gatewayv1.GatewayClassSpec{ControllerName: ours})
	got := status.BuildClass(graph.BuildClass(source, nil, nil, graph.Options{ControllerName: string(ours)}), status.CRDs{Version: "v1.7.0", Channel: "experimental"})
	var list []string
	for _, feature := range got.SupportedFeatures {
		list = append(list, string(feature.Name))
	}
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) || !slices.Contains(list, "HTTPRoute") {
		t.Errorf("features are %v", list)
	}
	merged, changed := status.MergeClass(source.Status, &got, atLater)
	if !changed || len(merged.SupportedFeatures) != len(list) {
		t.Errorf("merging into an empty status: changed %t, %v", changed, merged)
	}
	if _, again := status.MergeClass(merged, &got, atLater); again {
		t.Error("merging the same once more changes something")
	}
}

func TestFeaturesOfMissingKindsAreNotSupported(t *testing.T) {
	source := class(gatewayv1.GatewayClassSpec{ControllerName: ours})
	node := graph.BuildClass(source, nil, nil, graph.Options{ControllerName: string(ours)})
	for _, feature := range status.BuildClass(node, status.CRDs{Version: "v1.7.0", MissingKinds: []string{"TLSRoute", "ServiceMonitor"}}).SupportedFeatures {
		if strings.HasPrefix(string(feature.Name), "TLSRoute") {
			t.Errorf("%s is supported", feature.Name)
		}
	}
}
