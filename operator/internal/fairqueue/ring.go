package fairqueue

import (
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// ring holds requests that wait. It is not safe for concurrent use.
type ring struct {
	// turns are the namespaces that have requests, the next one first.
	turns []string
	// waiting are the requests of each, the oldest first.
	waiting map[string][]reconcile.Request
	// size is the number of all requests.
	size int
}

func newRing() ring { return ring{waiting: make(map[string][]reconcile.Request)} }

// push adds a request. A namespace that has none before has its turn after all others.
func (r *ring) push(request reconcile.Request) {
	before := r.waiting[request.Namespace]
	if len(before) == 0 {
		r.turns = append(r.turns, request.Namespace)
	}
	r.waiting[request.Namespace] = append(before, request)
	r.size++
}

// any says whether pop would find a request.
func (r *ring) any(free func(namespace string) bool) bool { return slices.ContainsFunc(r.turns, free) }

// pop takes out the request whose turn it is. A namespace that is not free keeps its
// place.
func (r *ring) pop(free func(namespace string) bool) (request reconcile.Request, found bool) {
	at := slices.IndexFunc(r.turns, free)
	if at < 0 {
		return request, false
	}
	namespace := r.turns[at]
	request = r.waiting[namespace][0]
	r.turns = slices.Delete(r.turns, at, at+1)
	if r.keep(namespace, r.waiting[namespace][1:]); len(r.waiting[namespace]) > 0 {
		r.turns = append(r.turns, namespace)
	}
	return request, true
}

// remove takes out a request, and says whether it was there.
func (r *ring) remove(request reconcile.Request) bool {
	at := slices.Index(r.waiting[request.Namespace], request)
	if at < 0 {
		return false
	}
	r.keep(request.Namespace, slices.Delete(r.waiting[request.Namespace], at, at+1))
	if len(r.waiting[request.Namespace]) == 0 {
		r.turns = slices.DeleteFunc(r.turns, func(namespace string) bool { return namespace == request.Namespace })
	}
	return true
}

// keep is called with what is left of a namespace's requests, which is one less.
func (r *ring) keep(namespace string, rest []reconcile.Request) {
	r.size--
	if len(rest) == 0 {
		delete(r.waiting, namespace)
		return
	}
	r.waiting[namespace] = rest
}
