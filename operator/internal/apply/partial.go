package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// emptyCached returns an empty object of what the cache holds of the kind. The metadata
// are enough to see that an object is settled.
func (t *task) emptyCached() client.Object {
	for _, kind := range t.opts.Kinds {
		if partial, is := kind.(*metav1.PartialObjectMetadata); is && partial.GroupVersionKind().GroupKind() == t.id.gk {
			return partial.DeepCopy()
		}
	}
	return emptyLike(t.desired)
}

// unchangedSince is unchanged for an object as the cache has it. One of which that is the
// metadata alone is read from the API server.
func (t *task) unchangedSince(ctx context.Context, cached client.Object) (bool, error) {
	if _, partial := cached.(*metav1.PartialObjectMetadata); !partial || !t.marked(cached) {
		return t.unchanged(cached)
	}
	whole := emptyLike(t.desired)
	err := t.opts.Live.Get(ctx, t.id.key, whole)
	switch {
	case err == nil:
		return t.unchanged(whole)
	case apierrors.IsNotFound(err):
		return false, nil // The cache is behind.
	default:
		return false, fmt.Errorf("reading %s: %w", t.id, err)
	}
}
