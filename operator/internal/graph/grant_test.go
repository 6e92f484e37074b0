package graph

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// TestGrants asks with one reference, and changes one thing of the grant at a
// time.
func TestGrants(t *testing.T) {
	const api = gatewayv1.GroupName
	name := func(s gatewayv1.ObjectName) *gatewayv1.ObjectName { return &s }
	for _, test := range []struct {
		name      string
		namespace string
		from      gatewayv1.ReferenceGrantFrom
		to        gatewayv1.ReferenceGrantTo
		want      bool
	}{
		{"exact", "b", gatewayv1.ReferenceGrantFrom{Group: api, Kind: "HTTPRoute", Namespace: "a"}, gatewayv1.ReferenceGrantTo{Kind: "Service", Name: name("x")}, true},
		{"any name", "b", gatewayv1.ReferenceGrantFrom{Group: api, Kind: "HTTPRoute", Namespace: "a"}, gatewayv1.ReferenceGrantTo{Kind: "Service"}, true},
		{"empty name", "b", gatewayv1.ReferenceGrantFrom{Group: api, Kind: "HTTPRoute", Namespace: "a"}, gatewayv1.ReferenceGrantTo{Kind: "Service", Name: name("")}, true},
		{"wrong name", "b", gatewayv1.ReferenceGrantFrom{Group: api, Kind: "HTTPRoute", Namespace: "a"}, gatewayv1.ReferenceGrantTo{Kind: "Service", Name: name("y")}, false},
		{"wrong kind", "b", gatewayv1.ReferenceGrantFrom{Group: api, Kind: "HTTPRoute", Namespace: "a"}, gatewayv1.ReferenceGrantTo{Kind: "Secret"}, false},
		{"wrong group", "b", gatewayv1.ReferenceGrantFrom{Group: api, Kind: "HTTPRoute", Namespace: "a"}, gatewayv1.ReferenceGrantTo{Group: "x", Kind: "Service"}, false},
		{"wrong source kind", "b", gatewayv1.ReferenceGrantFrom{Group: api, Kind: "Gateway", Namespace: "a"}, gatewayv1.ReferenceGrantTo{Kind: "Service"}, false},
		{"wrong source group", "b", gatewayv1.ReferenceGrantFrom{Kind: "HTTPRoute", Namespace: "a"}, gatewayv1.ReferenceGrantTo{Kind: "Service"}, false},
		{"wrong source namespace", "b", gatewayv1.ReferenceGrantFrom{Group: api, Kind: "HTTPRoute", Namespace: "b"}, gatewayv1.ReferenceGrantTo{Kind: "Service"}, false},
		{"in the source's namespace", "a", gatewayv1.ReferenceGrantFrom{Group: api, Kind: "HTTPRoute", Namespace: "a"}, gatewayv1.ReferenceGrantTo{Kind: "Service"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			index := indexGrants([]*gatewayv1.ReferenceGrant{{
				ObjectMeta: metav1.ObjectMeta{Namespace: test.namespace},
				Spec: gatewayv1.ReferenceGrantSpec{
					From: []gatewayv1.ReferenceGrantFrom{test.from},
					To:   []gatewayv1.ReferenceGrantTo{test.to},
				},
			}})
			if got := index.allow("HTTPRoute", "a", object{kind: "Service", namespace: "b", name: "x"}); got != test.want {
				t.Errorf("allowed: %t, want %t", got, test.want)
			}
		})
	}
}

func TestNoGrantIsNeededWithinANamespace(t *testing.T) {
	if !indexGrants(nil).allow("HTTPRoute", "a", object{kind: "Service", namespace: "a", name: "x"}) {
		t.Error("a route may not use a Service of its own namespace")
	}
}
