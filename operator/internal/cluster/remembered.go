package cluster

import (
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// dataLife is how long an object that nobody asks for is remembered.
const dataLife = time.Hour

// stored is a pointer to an object of type T.
type stored[T any] interface {
	*T
	client.Object
}

// remembered are objects of one kind as they were read last. It is safe for concurrent use.
type remembered[T any, P stored[T]] struct {
	// metadata returns an empty object for the metadata of one.
	metadata func() *metav1.PartialObjectMetadata
	// slim takes away what nobody reads before an object is kept.
	slim func(P)

	mu      sync.Mutex
	objects map[types.NamespacedName]*lately[T]
	swept   time.Time
}

// lately is an object with the time when it was asked for last.
type lately[T any] struct {
	object *T
	used   time.Time
}

func newRemembered[T any, P stored[T]](metadata func() *metav1.PartialObjectMetadata, slim func(P), now time.Time) *remembered[T, P] {
	return &remembered[T, P]{metadata: metadata, slim: slim, objects: make(map[types.NamespacedName]*lately[T]), swept: now}
}

// of returns the object if it is remembered in the version, and else nil.
func (r *remembered[T, P]) of(key types.NamespacedName, version string, now time.Time) P {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.objects[key]
	if known == nil || P(known.object).GetResourceVersion() != version {
		return nil
	}
	known.used = now
	return known.object
}

// keep remembers the object, and forgets those that nobody has asked for lately.
func (r *remembered[T, P]) keep(key types.NamespacedName, object P, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[key] = &lately[T]{object: object, used: now}
	if now.Sub(r.swept) < dataLife {
		return
	}
	r.swept = now
	for key, known := range r.objects {
		if now.Sub(known.used) > dataLife {
			delete(r.objects, key)
		}
	}
}

func (r *remembered[T, P]) forget(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.objects, key)
}
