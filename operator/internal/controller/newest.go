package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
)

// behind says whether a cache does not show yet how this process has left an object at
// that time. What is made of the older one would be refused, or take back what was said
// already.
func behind(cached, written client.Object, at, now time.Time) bool {
	order, err := resourceversion.CompareResourceVersion(cached.GetResourceVersion(), written.GetResourceVersion())
	return err == nil && order < 0 && cached.GetUID() == written.GetUID() && now.Sub(at) <= cluster.Lag
}

// newest holds objects as this process has left them, for the moments until a cache shows
// that. It is for kinds of which there are few, as an object stays until it is read again,
// and safe for concurrent use.
type newest[T client.Object] struct {
	now func() time.Time

	mu      sync.Mutex
	objects map[client.ObjectKey]left[T]
}

// left is an object with the time when it was left so.
type left[T client.Object] struct {
	object T
	at     time.Time
}

func newNewest[T client.Object](now func() time.Time) *newest[T] {
	return &newest[T]{now: now, objects: make(map[client.ObjectKey]left[T])}
}

// keep notes how an object was left.
func (n *newest[T]) keep(object T) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.objects[client.ObjectKeyFromObject(object)] = left[T]{object, n.now()}
}

// of returns the object as it was left, or as a cache shows it where that is as new.
func (n *newest[T]) of(cached T) T {
	key := client.ObjectKeyFromObject(cached)
	n.mu.Lock()
	defer n.mu.Unlock()
	last, known := n.objects[key]
	if !known {
		return cached
	}
	if behind(cached, last.object, last.at, n.now()) {
		return last.object
	}
	delete(n.objects, key)
	return cached
}

// forget drops what is kept of an object that is gone.
func (n *newest[T]) forget(key client.ObjectKey) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.objects, key)
}
