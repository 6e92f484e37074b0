package cluster

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// Reader reads from caches. A Secret or ConfigMap is read from the API server when it is
// asked for, and again only when its cached metadata show another version: so
// only those that something refers to are ever read. The objects that it
// returns are shared and must not be changed. It is safe for concurrent use.
//
// What lies outside the watched namespaces does not exist for it, but the
// EndpointSlice names.APIServers.
type Reader struct {
	client.Reader
	live    client.Reader
	watched []string
	now     func() time.Time

	secrets    *remembered[corev1.Secret, *corev1.Secret]
	configMaps *remembered[corev1.ConfigMap, *corev1.ConfigMap]
}

// NewReader returns a Reader over a cache and the API server itself. Without
// watched namespaces all are.
func NewReader(cached, live client.Reader, watched []string, now func() time.Time) *Reader {
	return &Reader{
		Reader: cached, live: live, watched: watched, now: now,
		secrets: newRemembered(SecretMetadata, slimSecret, now()), configMaps: newRemembered(ConfigMapMetadata, slimConfigMap, now()),
	}
}

func (r *Reader) outside(namespace string) bool {
	return namespace != "" && len(r.watched) > 0 && !slices.Contains(r.watched, namespace)
}

// List reads objects.
func (r *Reader) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	options := client.ListOptions{}
	if options.ApplyOptions(opts); r.outside(options.Namespace) {
		return meta.SetList(into, nil)
	}
	return r.Reader.List(ctx, into, opts...)
}

// Get reads an object.
func (r *Reader) Get(ctx context.Context, key types.NamespacedName, into client.Object, opts ...client.GetOption) error {
	if _, slice := into.(*discoveryv1.EndpointSlice); r.outside(key.Namespace) && (!slice || key != names.APIServers) {
		return apierrors.NewNotFound(schema.GroupResource{}, key.String())
	}
	switch out := into.(type) {
	case *corev1.Secret:
		return read(ctx, r, r.secrets, key, out, opts)
	case *corev1.ConfigMap:
		return read(ctx, r, r.configMaps, key, out, opts)
	}
	return r.Reader.Get(ctx, key, into, opts...)
}

// read returns what is remembered, unless the cached metadata are of another version.
func read[T any, P stored[T]](ctx context.Context, r *Reader, memory *remembered[T, P], key types.NamespacedName, out P, opts []client.GetOption) error {
	seen := memory.metadata()
	if err := r.Reader.Get(ctx, key, seen, opts...); err != nil {
		if apierrors.IsNotFound(err) {
			memory.forget(key)
		}
		return err
	}
	if known := memory.of(key, seen.ResourceVersion, r.now()); known != nil {
		*out = *known
		return nil
	}
	fresh := P(new(T))
	if err := r.live.Get(ctx, key, fresh, opts...); err != nil {
		return err
	}
	memory.slim(fresh)
	memory.keep(key, fresh, r.now())
	*out = *fresh
	return nil
}
