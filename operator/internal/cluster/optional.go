package cluster

import (
	"context"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// Only returns a reader of what the other one reads, for which objects of kinds
// that the cluster lacks do not exist.
func (k *Kinds) Only(reader client.Reader) client.Reader { return available{reader, k} }

type available struct {
	client.Reader
	kinds *Kinds
}

// Get implements client.Reader.
func (a available) Get(ctx context.Context, key types.NamespacedName, into client.Object, opts ...client.GetOption) error {
	if gvk, err := apiutil.GVKForObject(into, a.kinds.scheme); err == nil && !a.kinds.Has(gvk.GroupKind()) {
		return apierrors.NewNotFound(schema.GroupResource{Group: gvk.Group, Resource: gvk.Kind}, key.String())
	}
	if bundle, ok := into.(*certificatesv1.ClusterTrustBundle); ok {
		return a.trustBundle(ctx, key, bundle, opts...)
	}
	return a.Reader.Get(ctx, key, into, opts...)
}

// List implements client.Reader.
func (a available) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	gvk, err := apiutil.GVKForObject(into, a.kinds.scheme)
	kind := schema.GroupKind{Group: gvk.Group, Kind: strings.TrimSuffix(gvk.Kind, "List")}
	if err == nil && !a.kinds.Has(kind) {
		return meta.SetList(into, nil)
	}
	return a.Reader.List(ctx, into, opts...)
}
