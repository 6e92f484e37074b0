package fairqueue

import (
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// order says which request comes next. It is the workqueue.Queue below a Queue, and safe
// for concurrent use.
type order struct {
	// most is how many requests of one namespace are worked on at a time.
	most int

	mu sync.Mutex
	// pressing requests go before patient ones.
	pressing, patient ring
	// asked says of requests that are about to be pushed whether somebody who cannot
	// wait is among those who have asked.
	asked map[reconcile.Request]bool
	// running counts the requests that are worked on, by their namespaces.
	running map[string]int
	closed  bool
}

func newOrder(most int) *order {
	return &order{
		most: most, pressing: newRing(), patient: newRing(),
		asked: make(map[reconcile.Request]bool), running: make(map[string]int),
	}
}

// ask says of a request that is going to be added whether it can wait. Once somebody
// cannot, it may not.
func (o *order) ask(request reconcile.Request, pressing bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[request] = o.asked[request] || pressing
}

// Push implements workqueue.Queue. A request that nobody was asked about was delayed,
// and has waited long enough.
func (o *order) Push(request reconcile.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.answer(request) {
		o.pressing.push(request)
	} else {
		o.patient.push(request)
	}
}

// Touch implements workqueue.Queue: the request waits already, and may have to wait less.
func (o *order) Touch(request reconcile.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.answer(request) && o.patient.remove(request) {
		o.pressing.push(request)
	}
}

// answer says whether the request is pressing, and forgets it.
func (o *order) answer(request reconcile.Request) bool {
	pressing, asked := o.asked[request]
	delete(o.asked, request)
	return pressing || !asked
}

// Len implements workqueue.Queue. It is zero also where requests wait of which none may
// be worked on now.
func (o *order) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || !o.pressing.any(o.free) && !o.patient.any(o.free) {
		return 0
	}
	return o.pressing.size + o.patient.size
}

// Pop implements workqueue.Queue. It is called only where Len is not zero.
func (o *order) Pop() reconcile.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	request, found := o.pressing.pop(o.free)
	if !found {
		request, _ = o.patient.pop(o.free)
	}
	o.running[request.Namespace]++
	return request
}

// free says whether one more request of the namespace may be worked on.
func (o *order) free(namespace string) bool { return o.running[namespace] < o.most }

// done takes note of the end of the work on a request.
func (o *order) done(request reconcile.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.running[request.Namespace]--; o.running[request.Namespace] == 0 {
		delete(o.running, request.Namespace)
	}
}

// close has nothing handed out any more.
func (o *order) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}
