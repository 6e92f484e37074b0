package delivery

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
)

// last returns a ConfigMap as it is known if the cached metadata agree with that, else
// from the API server; nil when there is none. What is known of one has no more data than
// the versions of a part.
func (c *configWrite) last(key types.NamespacedName, known *written) (*corev1.ConfigMap, error) {
	seen, err := c.metadata(key)
	switch {
	case err != nil || seen == nil && known.version == "":
		return nil, err
	case seen != nil && known.covers(seen, c.now):
		return &corev1.ConfigMap{ObjectMeta: seen.ObjectMeta, BinaryData: known.versions}, nil
	}
	return c.read(key)
}

// metadata returns those of a ConfigMap from the cache; nil when there is none. They hold
// until the next call: there is one for each part.
func (c *configWrite) metadata(key types.NamespacedName) (*metav1.PartialObjectMetadata, error) {
	if c.seen == nil {
		c.seen = cluster.ConfigMapMetadata()
	}
	*c.seen = metav1.PartialObjectMetadata{TypeMeta: c.seen.TypeMeta}
	return look(c.ctx, c.opts.Client, key, c.seen)
}

// read returns a ConfigMap from the API server; nil when there is none.
func (c *configWrite) read(key types.NamespacedName) (*corev1.ConfigMap, error) {
	return look(c.ctx, c.opts.Live, key, &corev1.ConfigMap{})
}

// again is read after a race was lost. A version of before is what there is now, as where
// the cluster was restored from a backup, and no cache that is behind.
func (c *configWrite) again(key types.NamespacedName, known *written) (*corev1.ConfigMap, error) {
	c.locked(func() { known.stale = nil })
	return c.read(key)
}

// look reads a ConfigMap, or its metadata; it returns nil when there is none.
func look[T client.Object](ctx context.Context, from client.Reader, key types.NamespacedName, into T) (none T, err error) {
	err = from.Get(ctx, key, into)
	switch {
	case err == nil:
		return into, nil
	case apierrors.IsNotFound(err):
		return none, nil
	default:
		return none, fmt.Errorf("reading ConfigMap %s: %w", key, err)
	}
}
