package cluster

import (
	"context"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1alpha1 "k8s.io/api/certificates/v1alpha1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// A ClusterTrustBundle is read in whatever version there is.
func TestTrustBundleOfAnyVersion(t *testing.T) {
	scheme, err := NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	at := metav1.ObjectMeta{Name: "ca"}
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		&certificatesv1.ClusterTrustBundle{ObjectMeta: at, Spec: certificatesv1.ClusterTrustBundleSpec{TrustBundle: "v1"}},
		&certificatesv1beta1.ClusterTrustBundle{ObjectMeta: at, Spec: certificatesv1beta1.ClusterTrustBundleSpec{TrustBundle: "v1beta1"}},
		&certificatesv1alpha1.ClusterTrustBundle{ObjectMeta: at, Spec: certificatesv1alpha1.ClusterTrustBundleSpec{TrustBundle: "v1alpha1"}},
	).Build()
	gk := certificatesv1.SchemeGroupVersion.WithKind("ClusterTrustBundle").GroupKind()
	kinds := NewKinds(scheme, gk)
	read := func() (string, error) {
		var bundle certificatesv1.ClusterTrustBundle
		err := kinds.Only(reader).Get(context.Background(), types.NamespacedName{Name: "ca"}, &bundle)
		return bundle.Spec.TrustBundle, err
	}
	if _, err := read(); !apierrors.IsNotFound(err) {
		t.Errorf("got %v without the kind, want not found", err)
	}
	kinds.Set(gk, true)
	for _, version := range []string{"v1", "v1beta1", "v1alpha1"} {
		kinds.SetVersion(gk, version)
		if got, err := read(); got != version || err != nil {
			t.Errorf("got %q, %v, want that of %s", got, err, version)
		}
	}
}
