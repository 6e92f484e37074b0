package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// requestQueue is what controller-runtime gives to handlers.
type requestQueue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// fewGateways are as many as a route can name.
const fewGateways = 32

// births are the Gateways that come up.
type births struct {
	// unserved says whether nobody is served by a Gateway.
	unserved func(context.Context, types.NamespacedName) bool
	surge    *surge
}

// handler makes requests of what the watch finds.
func (w watch) handler(b births) handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q requestQueue) { w.enqueue(ctx, q, b, e.Object) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q requestQueue) {
			w.enqueue(ctx, q, b, e.ObjectOld, e.ObjectNew)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q requestQueue) { w.enqueue(ctx, q, b, e.Object) },
	}
}

// enqueue adds the Gateways that states of an object touch. Where these are more than
// few, as with a class, they can wait for what their owners do to one of them. So can one
// that comes up: its pods take seconds, and a thousand of them at once are not to delay
// the change of one that serves, nor each to be looked at for every part of it that is made.
func (w watch) enqueue(ctx context.Context, q requestQueue, b births, states ...client.Object) {
	found := make(map[types.NamespacedName]struct{})
	for _, state := range states {
		for _, key := range w.gateways(ctx, state) {
			found[key] = struct{}{}
		}
	}
	// Ours is one with priorities, and so is what controller-runtime puts before it.
	prioritized := q.(priorityqueue.PriorityQueue[reconcile.Request])
	for key := range found {
		var opts priorityqueue.AddOpts
		switch {
		case len(found) > fewGateways:
			opts.Priority = new(handler.LowPriority)
		case b.unserved(ctx, key):
			opts.Priority, opts.After = new(handler.LowPriority), b.surge.wait(key)
		}
		prioritized.AddWithOpts(opts, reconcile.Request{NamespacedName: key})
	}
}

func (w watch) predicate() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return w.appears(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool { return w.matters(e.ObjectOld, e.ObjectNew) },
	}
}
