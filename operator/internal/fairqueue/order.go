package fairqueue

import (
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// order says which request comes next. It is the workqueue.Queue below a Queue, and safe
// for concurrent use.
type order struct {
	// most is how many requests of one namespace are worked on at a time, and mostPatient
	// how many of all that can wait.
	most, mostPatient int

	mu sync.Mutex
	// pressing requests go before patient ones, of which one has been passed over so many
	// times in a row.
	pressing, patient ring
	passed            int
	// asked says of requests that are about to be pushed whether somebody who cannot
	// wait is among those who have asked.
	asked map[reconcile.Request]bool
	// running counts the requests that are worked on, by their namespaces, and waited has
	// those of them that could wait.
	running map[string]int
	waited  map[reconcile.Request]struct{}
	closed  bool
}

// mostPassed is how often in a row a request that can wait is passed over by those that
// cannot: it is to have its turn in the end.
const mostPassed = 8

func newOrder(most, mostPatient int) *order {
	return &order{
		most: most, mostPatient: mostPatient, pressing: newRing(), patient: newRing(),
		asked: make(map[reconcile.Request]bool), running: make(map[string]int), waited: make(map[reconcile.Request]struct{}),
	}
}

// ask says of a request that is going to be added whether it can wait. Once somebody
// cannot, it may not.
func (o *order) ask(request reconcile.Request, pressing bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[request] = o.asked[request] || pressing
}

// Push implements workqueue.Queue. A request that nobody was asked about was delayed, or
// is to be tried again, and has waited long enough.
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
	if o.closed || !o.pressing.any(o.free) && !o.due() {
		return 0
	}
	return o.pressing.size + o.patient.size
}

// Pop implements workqueue.Queue. It is called only where Len is not zero.
func (o *order) Pop() reconcile.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	request, found := o.popPressing()
	if !found {
		request, _ = o.patient.pop(o.free)
		o.waited[request], o.passed = struct{}{}, 0
	}
	o.running[request.Namespace]++
	return request
}

// popPressing takes out the request whose turn it is, unless it is that of one that could
// wait.
func (o *order) popPressing() (request reconcile.Request, found bool) {
	due := o.due()
	if due && o.passed >= mostPassed {
		return request, false
	}
	if request, found = o.pressing.pop(o.free); found && due {
		o.passed++
	}
	return request, found
}

// due says whether one more request that can wait may be worked on, and there is one.
func (o *order) due() bool { return len(o.waited) < o.mostPatient && o.patient.any(o.free) }

// free says whether one more request of the namespace may be worked on.
func (o *order) free(namespace string) bool { return o.running[namespace] < o.most }

// done takes note of the end of the work on a request.
func (o *order) done(request reconcile.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.running[request.Namespace]--; o.running[request.Namespace] == 0 {
		delete(o.running, request.Namespace)
	}
	delete(o.waited, request)
}

// close has nothing handed out any more.
func (o *order) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}
