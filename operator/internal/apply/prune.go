package apply

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// prune deletes the owner's objects of all kinds except those to keep.
func (a *Applier) prune(ctx context.Context, owner Owner, keep map[id]struct{}, result *Result) error {
	var errs []error
	for _, kind := range a.opts.Kinds {
		if !a.opts.Available(kind) {
			continue
		}
		errs = append(errs, a.pruneKind(ctx, owner, kind, keep, result))
	}
	return errors.Join(errs...)
}

func (a *Applier) pruneKind(ctx context.Context, owner Owner, kind client.Object, keep map[id]struct{}, result *Result) error {
	gvk, err := apiutil.GVKForObject(kind, a.opts.Client.Scheme())
	if err != nil {
		return fmt.Errorf("finding the kind of %T: %w", kind, err)
	}
	list, err := a.listOf(kind, gvk)
	if err != nil {
		return err
	}
	err = a.opts.Client.List(ctx, list, client.InNamespace(owner.Namespace), client.MatchingLabels(owner.Selector))
	if meta.IsNoMatchError(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the owned %ss: %w", gvk.Kind, err)
	}
	return meta.EachListItem(list, func(item runtime.Object) error {
		obj := item.(client.Object)
		this := id{gvk.GroupKind(), client.ObjectKeyFromObject(obj)}
		if _, wanted := keep[this]; wanted || !owner.Owns(obj) || obj.GetDeletionTimestamp() != nil {
			return nil
		}
		return a.remove(ctx, owner, gvk, this, result)
	})
}

// listOf returns an empty list of what kind is: typed, or of metadata alone.
func (a *Applier) listOf(kind client.Object, gvk schema.GroupVersionKind) (client.ObjectList, error) {
	gvk.Kind += "List"
	if _, ok := kind.(*metav1.PartialObjectMetadata); ok {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(gvk)
		return list, nil
	}
	list, err := a.opts.Client.Scheme().New(gvk)
	if err != nil {
		return nil, fmt.Errorf("making a list of %s: %w", gvk.Kind, err)
	}
	return list.(client.ObjectList), nil
}

// remove deletes an object that the cache says is the owner's, once the API
// server says so too.
func (a *Applier) remove(ctx context.Context, owner Owner, gvk schema.GroupVersionKind, this id, result *Result) error {
	live := &metav1.PartialObjectMetadata{}
	live.SetGroupVersionKind(gvk)
	if err := a.opts.Live.Get(ctx, this.key, live); err != nil {
		return wrapUnlessGone("reading", this, err)
	}
	if !owner.Owns(live) {
		return nil
	}
	uid, version := live.GetUID(), live.GetResourceVersion()
	err := a.opts.Client.Delete(ctx, live,
		client.Preconditions{UID: &uid, ResourceVersion: &version},
		client.PropagationPolicy("Background"))
	if err == nil {
		result.wrote("deleted", this)
	}
	return wrapUnlessGone("deleting", this, err)
}

func wrapUnlessGone(doing string, this id, err error) error {
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, this, err)
}
