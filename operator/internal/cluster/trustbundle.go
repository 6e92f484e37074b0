package cluster

import (
	"context"

	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1alpha1 "k8s.io/api/certificates/v1alpha1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// trustBundle reads a ClusterTrustBundle in the version that the API server has. In
// all of them it says the same.
func (a available) trustBundle(ctx context.Context, key types.NamespacedName, into *certificatesv1.ClusterTrustBundle, opts ...client.GetOption) error {
	switch a.kinds.version(certificatesv1.SchemeGroupVersion.WithKind("ClusterTrustBundle").GroupKind()) {
	case certificatesv1beta1.SchemeGroupVersion.Version:
		var older certificatesv1beta1.ClusterTrustBundle
		err := a.Reader.Get(ctx, key, &older, opts...)
		into.ObjectMeta, into.Spec = older.ObjectMeta, certificatesv1.ClusterTrustBundleSpec(older.Spec)
		return err
	case certificatesv1alpha1.SchemeGroupVersion.Version:
		var older certificatesv1alpha1.ClusterTrustBundle
		err := a.Reader.Get(ctx, key, &older, opts...)
		into.ObjectMeta, into.Spec = older.ObjectMeta, certificatesv1.ClusterTrustBundleSpec(older.Spec)
		return err
	}
	return a.Reader.Get(ctx, key, into, opts...)
}
