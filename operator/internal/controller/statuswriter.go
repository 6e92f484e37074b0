package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

// statusWriter writes the statuses of the objects of one kind: what several
// speakers, of type S, have proposed in terms of W, all in one write. It is safe
// for concurrent use.
type statusWriter[S comparable, W any] struct {
	opts Options
	// kind is the name of the kind, and empty makes an empty object of it.
	kind     string
	empty    func() client.Object
	versions *versions
	// field is the list of the status in which speakers have their entries, and merge
	// returns it with all that is wanted, or nil where that is there already.
	field string
	merge func(live client.Object, wanted []*W, at conditions.Moment) any
	bell  *doorbell

	mu sync.Mutex
	// proposed holds, for each object, what each speaker has to say. Entries go
	// once they are written.
	proposed map[types.NamespacedName]map[S]*W
}

func newStatusWriter[S comparable, W any](opts Options, kind string, empty func() client.Object, field string,
	merge func(client.Object, []*W, conditions.Moment) any) *statusWriter[S, W] {
	return &statusWriter[S, W]{
		opts: opts, kind: kind, empty: empty, field: field, merge: merge,
		bell: newDoorbell(0, opts.Now), versions: newVersions(opts, empty),
		proposed: make(map[types.NamespacedName]map[S]*W),
	}
}

// propose has what a speaker wants written to the object's status. differs says that the
// object, as it is known, does not have it there.
func (r *statusWriter[S, W]) propose(known client.Object, who S, want *W, differs bool) {
	// What a cache shows that does not have the last write yet says nothing of the status:
	// it may have become another, and what is wanted what it was before.
	if r.pend(client.ObjectKeyFromObject(known), who, want, differs || r.versions.outdated(known)) {
		r.bell.ring(client.ObjectKeyFromObject(known))
	}
}

// pend keeps what is wanted until it is written, and says whether it is to be.
func (r *statusWriter[S, W]) pend(object types.NamespacedName, who S, want *W, differs bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	// What was proposed before and is not written yet must not win over what
	// holds now, even if that is what the status says already.
	if _, pending := r.proposed[object][who]; !differs && !pending {
		return false
	}
	if r.proposed[object] == nil {
		r.proposed[object] = make(map[S]*W)
	}
	r.proposed[object][who] = want
	return true
}

// Reconcile implements reconcile.Reconciler. The request names an object.
func (r *statusWriter[S, W]) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	key := request.NamespacedName
	wanted := r.wanted(key)
	if !r.opts.Kinds.Available(r.empty()) {
		r.done(key, wanted)
		return reconcile.Result{}, nil
	}
	object, err := r.versions.read(ctx, key)
	for range statusAttempts {
		if apierrors.IsNotFound(err) {
			r.done(key, wanted)
			return reconcile.Result{}, nil
		}
		if err != nil {
			return reconcile.Result{}, fmt.Errorf("reading %s %s: %w", r.kind, key, err)
		}
		var written bool
		written, err = r.write(ctx, object, slices.Collect(maps.Values(wanted)))
		if err != nil {
			return reconcile.Result{}, err
		}
		if written {
			r.done(key, wanted)
			return reconcile.Result{}, nil
		}
		object = r.empty()
		err = r.opts.Live.Get(ctx, key, object)
	}
	return reconcile.Result{}, fmt.Errorf("writing the status of %s %s: %w", r.kind, key, errUnfinished)
}

// write brings what is wanted into the object's status. It returns false when
// somebody else was faster.
func (r *statusWriter[S, W]) write(ctx context.Context, object client.Object, wanted []*W) (bool, error) {
	list := r.merge(object, wanted, conditions.At(r.opts.Now(), object))
	if list == nil {
		return true, nil
	}
	after, err := r.patch(ctx, object, list)
	r.opts.Metrics.Status(r.kind, resultOf(err))
	switch {
	case err == nil:
		r.versions.wrote(after)
		return true, nil
	case apierrors.IsNotFound(err):
		return true, nil
	case apierrors.IsConflict(err):
		return false, nil
	default:
		return false, fmt.Errorf("writing the status of %s %s: %w", r.kind, client.ObjectKeyFromObject(object), err)
	}
}

// patch replaces the list in the object's status, unless there is a newer version, and
// returns the object's metadata as they are then. There are ten times as many routes as
// anything else: nothing of one is encoded or decoded that does not change.
func (r *statusWriter[S, W]) patch(ctx context.Context, object client.Object, list any) (client.Object, error) {
	patch, err := encodeStatusPatch(object, map[string]any{r.field: list})
	if err != nil {
		return nil, err
	}
	return sendStatusPatch(ctx, &r.opts, object, patch)
}

func (r *statusWriter[S, W]) wanted(object types.NamespacedName) map[S]*W {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.proposed[object])
}

// done drops what was written, unless something newer has been proposed.
func (r *statusWriter[S, W]) done(object types.NamespacedName, written map[S]*W) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.proposed[object]
	for who, want := range written {
		if of[who] == want {
			delete(of, who)
		}
	}
	if len(of) == 0 {
		delete(r.proposed, object)
	}
}
