package controller

import (
	"context"
	"fmt"

	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1alpha1 "k8s.io/api/certificates/v1alpha1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// trustBundleKind is the kind of ClusterTrustBundles. An API server has it or not
// by its version and its flags.
func trustBundleKind() optionalKind {
	in := func(of schema.GroupVersion, object client.Object) optionalKind {
		return optionalKind{
			kind: of.WithKind(store.TrustBundle).GroupKind(), version: of.Version,
			crd: "clustertrustbundles." + of.Group, object: object, builtIn: true,
		}
	}
	newest := in(certificatesv1.SchemeGroupVersion, &certificatesv1.ClusterTrustBundle{})
	newest.older = []optionalKind{
		in(certificatesv1beta1.SchemeGroupVersion, &certificatesv1beta1.ClusterTrustBundle{}),
		in(certificatesv1alpha1.SchemeGroupVersion, &certificatesv1alpha1.ClusterTrustBundle{}),
	}
	return newest
}

// isTrustBundle says whether an object is a ClusterTrustBundle of any version,
// which need not have a generation.
func isTrustBundle(object client.Object) bool {
	switch object.(type) {
	case *certificatesv1.ClusterTrustBundle, *certificatesv1beta1.ClusterTrustBundle, *certificatesv1alpha1.ClusterTrustBundle:
		return true
	}
	return false
}

// lookAgain follows a kind that no CRD tells of, and moves to another version when
// the API server has done so.
func (r *KindReconciler) lookAgain(ctx context.Context, optional optionalKind) error {
	found, err := optional.served(r.mapper)
	switch {
	case meta.IsNoMatchError(err):
		return r.stop(ctx, optional)
	case err != nil:
		return fmt.Errorf("looking for %s: %w", optional.kind, err)
	case r.watches(found):
		return nil
	}
	if err := r.stop(ctx, optional); err != nil {
		return err
	}
	if err := r.start(ctx, found); err != nil {
		return err
	}
	return r.wakeAll(ctx)
}

// builtIns asks for the first look at the kinds that no CRD tells of.
func builtIns() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		for _, optional := range optionalKinds() {
			if optional.builtIn {
				queue.Add(reconcile.Request{NamespacedName: client.ObjectKey{Name: optional.crd}})
			}
		}
		return nil
	})
}
