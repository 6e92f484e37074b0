package cluster

import (
	"context"
	"slices"
	"sync"
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

// secretLife is how long a Secret that nobody asks for is remembered.
const secretLife = time.Hour

// Reader reads from caches. A Secret is read from the API server when it is
// asked for, and again only when its cached metadata show another version: so
// only Secrets that something refers to are ever read. The objects that it
// returns are shared and must not be changed. It is safe for concurrent use.
//
// What lies outside the watched namespaces does not exist for it, but the
// EndpointSlice names.APIServers.
type Reader struct {
	client.Reader
	live    client.Reader
	watched []string
	now     func() time.Time

	mu      sync.Mutex
	secrets map[types.NamespacedName]*secret
	swept   time.Time
}

type secret struct {
	object *corev1.Secret
	used   time.Time
}

// NewReader returns a Reader over a cache and the API server itself. Without
// watched namespaces all are.
func NewReader(cached, live client.Reader, watched []string, now func() time.Time) *Reader {
	return &Reader{
		Reader: cached, live: live, watched: watched, now: now,
		secrets: make(map[types.NamespacedName]*secret), swept: now(),
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
	out, ok := into.(*corev1.Secret)
	if !ok {
		return r.Reader.Get(ctx, key, into, opts...)
	}
	seen := SecretMetadata()
	if err := r.Reader.Get(ctx, key, seen, opts...); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(key)
		}
		return err
	}
	if known := r.known(key, seen.ResourceVersion); known != nil {
		*out = *known
		return nil
	}
	fresh := &corev1.Secret{}
	if err := r.live.Get(ctx, key, fresh, opts...); err != nil {
		return err
	}
	fresh.ManagedFields = nil
	r.keep(key, fresh)
	*out = *fresh
	return nil
}

func (r *Reader) known(key types.NamespacedName, version string) *corev1.Secret {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.secrets[key]
	if s == nil || s.object.ResourceVersion != version {
		return nil
	}
	s.used = r.now()
	return s.object
}

func (r *Reader) keep(key types.NamespacedName, object *corev1.Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.secrets[key] = &secret{object: object, used: now}
	if now.Sub(r.swept) < secretLife {
		return
	}
	r.swept = now
	for key, s := range r.secrets {
		if now.Sub(s.used) > secretLife {
			delete(r.secrets, key)
		}
	}
}

func (r *Reader) forget(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.secrets, key)
}
