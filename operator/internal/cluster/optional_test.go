package cluster

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestObjectsOfMissingKindsDoNotExist(t *testing.T) {
	scheme, err := NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	key := types.NamespacedName{Namespace: "ns", Name: "x"}
	meta := metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}
	api := fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(&gatewayv1.TCPRoute{ObjectMeta: meta}, &corev1.Service{ObjectMeta: meta}).Build()
	kind := schema.GroupKind{Group: gatewayv1.GroupName, Kind: "TCPRoute"}
	kinds := NewKinds(scheme, kind)
	reader := kinds.Only(api)
	found := func() int {
		var list gatewayv1.TCPRouteList
		if err := reader.List(t.Context(), &list); err != nil {
			t.Fatal(err)
		}
		return len(list.Items)
	}

	if err := reader.Get(t.Context(), key, &gatewayv1.TCPRoute{}); !apierrors.IsNotFound(err) || found() != 0 {
		t.Errorf("a missing kind: %v, and %d are listed", err, found())
	}
	if err := reader.Get(t.Context(), key, &corev1.Service{}); err != nil {
		t.Errorf("another kind: %v", err)
	}
	kinds.Set(kind, true)
	if err := reader.Get(t.Context(), key, &gatewayv1.TCPRoute{}); err != nil || found() != 1 {
		t.Errorf("a kind that has come: %v, and %d are listed", err, found())
	}
}
