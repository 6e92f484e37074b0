package fairqueue

import (
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Queue is a controller's queue. It is a priorityqueue.PriorityQueue of two priorities:
// requests below zero can wait, and all others cannot. It is safe for concurrent use, by
// workers of which each calls Get after Done.
type Queue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	order *order
}

var _ priorityqueue.PriorityQueue[reconcile.Request] = (*Queue)(nil)

// New returns the queue of a controller with a number of workers, of which one namespace
// gets half, and what can wait four of five. The name is that of its metrics; limiter says how long a request waits after
// an error.
func New(name string, workers int, limiter workqueue.TypedRateLimiter[reconcile.Request]) *Queue {
	order := newOrder(max(1, workers/2), workers-workers/5)
	plain := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[reconcile.Request]{Name: name, Queue: order})
	delaying := workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[reconcile.Request]{Name: name, Queue: plain})
	return &Queue{
		order: order,
		TypedRateLimitingInterface: workqueue.NewTypedRateLimitingQueueWithConfig(limiter,
			workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{Name: name, DelayingQueue: delaying}),
	}
}

// Add adds a request that cannot wait.
func (q *Queue) Add(request reconcile.Request) { q.add(request, true) }

func (q *Queue) add(request reconcile.Request, pressing bool) {
	q.order.ask(request, pressing)
	q.TypedRateLimitingInterface.Add(request)
}

// AddWithOpts implements priorityqueue.PriorityQueue. Where a delayed request is added in
// other ways meanwhile, it cannot wait any longer once its time has come.
func (q *Queue) AddWithOpts(opts priorityqueue.AddOpts, requests ...reconcile.Request) {
	for _, request := range requests {
		pressing := opts.Priority == nil || *opts.Priority >= 0
		switch {
		case opts.RateLimited:
			q.AddRateLimited(request)
		case opts.After > 0:
			if !pressing {
				q.order.ask(request, false)
			}
			q.AddAfter(request, opts.After)
		default:
			q.add(request, pressing)
		}
	}
}

// GetWithPriority implements priorityqueue.PriorityQueue. What is to be tried again cannot
// wait.
func (q *Queue) GetWithPriority() (request reconcile.Request, priority int, shutdown bool) {
	request, shutdown = q.Get()
	return request, 0, shutdown
}

// Done implements workqueue.TypedInterface. Whoever calls it asks for the next request
// afterwards, and so gets one that had to wait for this one's end.
func (q *Queue) Done(request reconcile.Request) {
	q.order.done(request)
	q.TypedRateLimitingInterface.Done(request)
}

// ShutDown has nothing handed out any more: what waits is of no use to a process that ends.
func (q *Queue) ShutDown() {
	q.order.close()
	q.TypedRateLimitingInterface.ShutDown()
}

// ShutDownWithDrain is ShutDown, and waits for the end of what is worked on.
func (q *Queue) ShutDownWithDrain() {
	q.order.close()
	q.TypedRateLimitingInterface.ShutDownWithDrain()
}
