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

// handler makes requests of what the watch finds.
func (w watch) handler() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q requestQueue) { w.enqueue(ctx, q, e.Object) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q requestQueue) {
			w.enqueue(ctx, q, e.ObjectOld, e.ObjectNew)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q requestQueue) { w.enqueue(ctx, q, e.Object) },
	}
}

// enqueue adds the Gateways that states of an object touch. Where these are more than
// few, as with a class, they can wait for what their owners do to one of them.
func (w watch) enqueue(ctx context.Context, q requestQueue, states ...client.Object) {
	found := make(map[types.NamespacedName]struct{})
	for _, state := range states {
		for _, key := range w.gateways(ctx, state) {
			found[key] = struct{}{}
		}
	}
	var opts priorityqueue.AddOpts
	if len(found) > fewGateways {
		opts.Priority = new(handler.LowPriority)
	}
	// Ours is one with priorities, and so is what controller-runtime puts before it.
	prioritized := q.(priorityqueue.PriorityQueue[reconcile.Request])
	for key := range found {
		prioritized.AddWithOpts(opts, reconcile.Request{NamespacedName: key})
	}
}

func (w watch) predicate() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return w.matters(e.ObjectOld, e.ObjectNew) }}
}
