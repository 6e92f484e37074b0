package controller

import (
	"context"
	"fmt"
	"maps"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// reporter writes the status of the objects of one kind, such as HTTPRoutes: what
// the reconciliations of several Gateways have proposed, all in one write. T is
// what one Gateway has to say of one object. It is safe for concurrent use.
type reporter[T comparable] struct {
	opts Options
	kind string
	// empty returns a new object of the kind.
	empty func() client.Object
	// merge brings want into the status of an object that it may change, and says
	// whether that changes it.
	merge func(obj client.Object, want T, now metav1.Time) bool
	bell  *doorbell

	mu sync.Mutex
	// proposed holds, for each object, what each Gateway has to say. Entries go
	// once they are written.
	proposed map[types.NamespacedName]map[types.NamespacedName]T
}

func newReporter[T comparable](opts Options, kind string, empty func() client.Object, merge func(client.Object, T, metav1.Time) bool) *reporter[T] {
	return &reporter[T]{
		opts: opts, kind: kind, empty: empty, merge: merge, bell: newDoorbell(0, opts.Now),
		proposed: make(map[types.NamespacedName]map[types.NamespacedName]T),
	}
}

// propose has what one Gateway has to say written to the object's status, unless
// it is there. live is the object as it is known, which stays as it is.
func (r *reporter[T]) propose(live client.Object, gateway types.NamespacedName, want T) {
	name := client.ObjectKeyFromObject(live)
	differs := r.merge(live.DeepCopyObject().(client.Object), want, metav1.NewTime(r.opts.Now()))
	r.mu.Lock()
	// What was proposed before and is not written yet must not win over what
	// holds now, even if that is what the status says already.
	_, pending := r.proposed[name][gateway]
	if differs || pending {
		if r.proposed[name] == nil {
			r.proposed[name] = make(map[types.NamespacedName]T)
		}
		r.proposed[name][gateway] = want
	}
	r.mu.Unlock()
	if differs || pending {
		r.bell.ring(name)
	}
}

// Reconcile implements reconcile.Reconciler. The request names an object.
func (r *reporter[T]) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	key := request.NamespacedName
	wanted := r.wanted(key)
	obj := r.empty()
	err := r.opts.Client.Get(ctx, key, obj)
	for range statusAttempts {
		if apierrors.IsNotFound(err) {
			r.done(key, wanted)
			return reconcile.Result{}, nil
		}
		if err != nil {
			return reconcile.Result{}, fmt.Errorf("reading %s %s: %w", r.kind, key, err)
		}
		var written bool
		written, err = r.write(ctx, obj, wanted)
		if err != nil {
			return reconcile.Result{}, err
		}
		if written {
			r.done(key, wanted)
			return reconcile.Result{}, nil
		}
		obj = r.empty()
		err = r.opts.Live.Get(ctx, key, obj)
	}
	return reconcile.Result{}, fmt.Errorf("writing the status of %s %s: %w", r.kind, key, errUnfinished)
}

// write brings what is wanted into the object's status. It returns false when
// somebody else was faster.
func (r *reporter[T]) write(ctx context.Context, obj client.Object, wanted map[types.NamespacedName]T) (bool, error) {
	after := obj.DeepCopyObject().(client.Object)
	changed := false
	for _, want := range wanted {
		changed = r.merge(after, want, metav1.NewTime(r.opts.Now())) || changed
	}
	if !changed {
		return true, nil
	}
	err := r.opts.Client.Status().Patch(ctx, after, optimistic(obj), StatusManager)
	r.opts.Metrics.Status(r.kind, resultOf(err))
	switch {
	case err == nil || apierrors.IsNotFound(err):
		return true, nil
	case apierrors.IsConflict(err):
		return false, nil
	default:
		return false, fmt.Errorf("writing the status of %s %s: %w", r.kind, client.ObjectKeyFromObject(obj), err)
	}
}

func (r *reporter[T]) wanted(name types.NamespacedName) map[types.NamespacedName]T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.proposed[name])
}

// done drops what was written, unless something newer has been proposed.
func (r *reporter[T]) done(name types.NamespacedName, written map[types.NamespacedName]T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.proposed[name]
	for gateway, want := range written {
		if of[gateway] == want {
			delete(of, gateway)
		}
	}
	if len(of) == 0 {
		delete(r.proposed, name)
	}
}
