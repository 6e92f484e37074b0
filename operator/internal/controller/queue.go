package controller

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// doorbell puts keys into a controller's queue for reasons that no watch knows.
// It rings nowhere until its controller has started.
type doorbell struct {
	// pause is the least time between two rings for the same key that come by
	// ringSlowly. In a burst of them it doubles with each, up to longest.
	pause, longest time.Duration
	now            func() time.Time

	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
	rung  map[types.NamespacedName]ring
}

// ring is when ringSlowly has rung last, or will, and what is to pass after that.
type ring struct {
	due   time.Time
	pause time.Duration
}

func newDoorbell(pause time.Duration, now func() time.Time) *doorbell {
	return &doorbell{pause: pause, longest: pause, now: now, rung: make(map[types.NamespacedName]ring)}
}

// source makes the doorbell ring in the controller that watches it.
func (d *doorbell) source() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.queue = queue
		return nil
	})
}

// ring has the key looked at now.
func (d *doorbell) ring(key types.NamespacedName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.queue != nil {
		d.queue.Add(reconcile.Request{NamespacedName: key})
	}
}

// ringSlowly has the key looked at now, or once the pause since the last ring
// is over. Rings in between become one.
func (d *doorbell) ringSlowly(key types.NamespacedName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.queue == nil {
		return
	}
	now, last := d.now(), d.rung[key]
	if last.due.After(now) {
		return // Already to be rung later.
	}
	next := ring{due: last.due.Add(last.pause), pause: d.pause}
	if now.Before(last.due.Add(2 * last.pause)) {
		next.pause = min(2*last.pause, d.longest)
	}
	if next.due.Before(now) {
		next.due = now
	}
	d.rung[key] = next
	d.queue.AddAfter(reconcile.Request{NamespacedName: key}, next.due.Sub(now))
}

func (d *doorbell) forget(key types.NamespacedName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.rung, key)
}
