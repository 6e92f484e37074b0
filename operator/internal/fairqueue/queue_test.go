package fairqueue

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func newQueue(t *testing.T, workers int) *Queue {
	t.Helper()
	q := New("test", workers, workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](time.Millisecond, time.Second))
	t.Cleanup(q.ShutDown)
	return q
}

func wantNext(t *testing.T, q *Queue, want reconcile.Request) {
	t.Helper()
	got, priority, shutdown := q.GetWithPriority()
	if got != want || priority != 0 || shutdown {
		t.Errorf("got %s of priority %d, shut down: %v; want %s", got, priority, shutdown, want)
	}
}

// One of five thousand is worked on, and then whoever comes next.
func TestACrowdDelaysNobody(t *testing.T) {
	q := newQueue(t, 8)
	for i := range 5000 {
		q.Add(request("crowd", fmt.Sprint(i)))
	}
	wantNext(t, q, request("crowd", "0"))
	q.Add(request("shop", "x"))
	wantNext(t, q, request("crowd", "1"))
	wantNext(t, q, request("shop", "x"))
	wantNext(t, q, request("crowd", "2"))
	wantNext(t, q, request("crowd", "3"))
	// Half of the workers have requests of the crowd, and are stuck with them.
	q.Add(request("shop", "y"))
	wantNext(t, q, request("shop", "y"))
	q.Done(request("crowd", "1"))
	wantNext(t, q, request("crowd", "4"))
}

func TestWaysOfAdding(t *testing.T) {
	q := newQueue(t, 8)
	low := handler.LowPriority
	q.AddWithOpts(priorityqueue.AddOpts{Priority: &low}, request("a", "patient"), request("b", "patient"), request("c", "patient"))
	q.AddWithOpts(priorityqueue.AddOpts{Priority: new(int)}, request("d", "pressing"))
	q.Add(request("b", "patient"))
	wantNext(t, q, request("d", "pressing"))
	wantNext(t, q, request("b", "patient"))
	q.AddWithOpts(priorityqueue.AddOpts{After: time.Millisecond, Priority: &low}, request("e", "later"))
	q.AddWithOpts(priorityqueue.AddOpts{RateLimited: true}, request("f", "failed"))
	wantNext(t, q, request("a", "patient"))
	wantNext(t, q, request("c", "patient"))
	got := map[reconcile.Request]bool{}
	for range 2 {
		r, _ := q.Get()
		got[r] = true
	}
	if !got[request("e", "later")] || !got[request("f", "failed")] {
		t.Errorf("got %v", got)
	}
	if n := q.NumRequeues(request("f", "failed")); n != 1 {
		t.Errorf("it has failed %d times", n)
	}
}

// What can wait still can after a delay, unless somebody who cannot has asked meanwhile.
func TestDelayedRequestsCanWait(t *testing.T) {
	q := newQueue(t, 8)
	delayed := priorityqueue.AddOpts{Priority: new(handler.LowPriority), After: time.Millisecond}
	q.AddWithOpts(delayed, request("a", "patient"), request("b", "both"))
	q.Add(request("b", "both"))
	for q.TypedRateLimitingInterface.Len() < 2 {
		time.Sleep(time.Millisecond)
	}
	q.Add(request("c", "pressing"))
	wantNext(t, q, request("b", "both"))
	wantNext(t, q, request("c", "pressing"))
	wantNext(t, q, request("a", "patient"))
}

// What is added while it is worked on comes again, and as soon as somebody needs it.
func TestWhatIsAddedMeanwhileComesAgain(t *testing.T) {
	low := handler.LowPriority
	for name, add := range map[string]func(*Queue, reconcile.Request){
		"pressing first": func(q *Queue, r reconcile.Request) {
			q.Add(r)
			q.AddWithOpts(priorityqueue.AddOpts{Priority: &low}, r)
		},
		"patient first": func(q *Queue, r reconcile.Request) {
			q.AddWithOpts(priorityqueue.AddOpts{Priority: &low}, r)
			q.Add(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			q, r := newQueue(t, 8), request("a", "r")
			q.Add(r)
			wantNext(t, q, r)
			q.AddWithOpts(priorityqueue.AddOpts{Priority: &low}, request("b", "patient"))
			add(q, r)
			q.Done(r)
			wantNext(t, q, r)
			wantNext(t, q, request("b", "patient"))
		})
	}
}

// All workers come back when it is shut down, and nothing that waits is begun.
func TestShutDown(t *testing.T) {
	for name, shutDown := range map[string]func(*Queue){"at once": (*Queue).ShutDown, "with what is worked on": (*Queue).ShutDownWithDrain} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(t, 2)
			q.Add(request("a", "worked on"))
			wantNext(t, q, request("a", "worked on"))
			q.Add(request("a", "waits"))
			var workers sync.WaitGroup
			workers.Go(func() {
				if r, shutdown := q.Get(); !shutdown {
					t.Errorf("got %s", r)
				}
			})
			workers.Go(func() {
				for !q.ShuttingDown() {
					time.Sleep(time.Millisecond)
				}
				q.Done(request("a", "worked on"))
			})
			shutDown(q)
			workers.Wait()
		})
	}
}

// Workers that come and go as those of a controller lose nothing, and no namespace has
// more of them than half.
func TestWorkersLoseNothing(t *testing.T) {
	const workers, namespaces, requests = 8, 5, 400
	q := newQueue(t, workers)
	var running [namespaces]atomic.Int32
	var left sync.WaitGroup
	for range workers {
		go func() {
			for {
				r, shutdown := q.Get()
				if shutdown {
					return
				}
				of := &running[r.Namespace[0]-'0']
				if n := of.Add(1); n > workers/2 {
					t.Errorf("%d requests of %s are worked on", n, r.Namespace)
				}
				of.Add(-1)
				q.Done(r)
				left.Done()
			}
		}()
	}
	for i := range requests {
		for namespace := range namespaces {
			left.Add(1)
			q.Add(request(fmt.Sprint(namespace), fmt.Sprint(i)))
		}
	}
	left.Wait()
}
