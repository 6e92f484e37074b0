package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
)

// ensure brings one object into the desired state.
func (a *Applier) ensure(ctx context.Context, owner Owner, obj client.Object, this id, memory *fleet, result *Result) error {
	if b, ok := memory.blocked[this]; ok && a.opts.Now().Before(b.until) {
		result.Conflicts = append(result.Conflicts, b.conflict)
		return nil
	}
	delete(memory.blocked, this)

	cached := emptyLike(obj)
	err := a.opts.Client.Get(ctx, this.key, cached)
	switch {
	case meta.IsNoMatchError(err):
		return nil
	case client.IgnoreNotFound(err) != nil:
		return fmt.Errorf("reading %s: %w", this, err)
	}
	found := err == nil
	now, err := settle(obj, cached, owner)
	if err != nil || found && memory.settled[this].is(now) {
		return err
	}
	want, err := prepare(obj, owner, a.opts.Client.Scheme())
	if err != nil {
		return err
	}
	if !found {
		return a.bring(ctx, owner, want, memory, result)
	}
	same, err := unchanged(want, cached, owner, memory)
	if same {
		memory.settled[this] = now
	}
	if same || err != nil {
		return err
	}
	return a.change(ctx, owner, want, memory, result)
}

// bring creates an object that the cache does not have. One that was created a moment
// ago is looked for first: a Create would be refused, which is a write for nothing.
func (a *Applier) bring(ctx context.Context, owner Owner, want *desired, memory *fleet, result *Result) error {
	if a.opts.Now().Sub(memory.created[want.id]) < cluster.Lag {
		if err := a.change(ctx, owner, want, memory, result); !apierrors.IsNotFound(err) {
			return err
		}
	}
	return a.create(ctx, owner, want, memory, result)
}

// unchanged says whether the object, as it was read, is the owner's and is as it was
// applied, from the very state that is desired now.
func unchanged(want *desired, object client.Object, owner Owner, memory *fleet) (bool, error) {
	if !owner.Owns(object) || object.GetAnnotations()[HashAnnotation] != want.hash {
		return false, nil
	}
	live, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return false, fmt.Errorf("converting %s: %w", want.id, err)
	}
	// Typed objects from a cache carry neither.
	live["apiVersion"], live["kind"] = want.body.GetAPIVersion(), want.body.GetKind()
	if agrees(want.body.Object, live) {
		return true, nil
	}
	accepted, ok := memory.accepted[want.id]
	return ok && accepted.hash == want.hash && accepted.projection == digest(project(want.body.Object, live)), nil
}

func (a *Applier) create(ctx context.Context, owner Owner, want *desired, memory *fleet, result *Result) error {
	body := want.body.DeepCopy()
	if want.seed != nil {
		body.Object["spec"].(map[string]any)["replicas"] = want.seed
	}
	err := a.opts.Client.Create(ctx, body, FieldManager)
	switch {
	case err == nil:
		memory.remember(want, body)
		memory.created[want.id] = a.opts.Now()
		result.wrote("created", want.id)
		return nil
	case apierrors.IsAlreadyExists(err):
		return a.change(ctx, owner, want, memory, result)
	case meta.IsNoMatchError(err):
		return nil
	default:
		return fmt.Errorf("creating %s: %w", want.id, err)
	}
}

// change applies over an object that exists, if it is the owner's.
func (a *Applier) change(ctx context.Context, owner Owner, want *desired, memory *fleet, result *Result) error {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(want.body.GroupVersionKind())
	if err := a.opts.Live.Get(ctx, want.id.key, live); err != nil {
		// Gone since the cache was read: the next call creates it.
		return fmt.Errorf("reading %s: %w", want.id, err)
	}
	if !owner.Owns(live) {
		conflict := conflictWith(want.id, live)
		memory.blocked[want.id] = blocked{conflict, a.opts.Now().Add(conflictPause)}
		result.Conflicts = append(result.Conflicts, conflict)
		return nil
	}
	if same, err := unchanged(want, live, owner, memory); same || err != nil {
		return err // The cache is behind.
	}
	if err := a.takeOver(ctx, live); err != nil {
		return fmt.Errorf("taking over the fields of %s: %w", want.id, err)
	}
	before := live.GetResourceVersion()
	ours, err := a.leaveReplicas(ctx, owner, want, live)
	if err != nil {
		return err
	}
	if ours != want && unwritten(ours, live) {
		memory.remember(want, live)
		return nil
	}
	answer, err := a.apply(ctx, ours, live)
	if err != nil {
		return fmt.Errorf("applying %s: %w", want.id, err)
	}
	memory.remember(want, answer)
	if answer.GetResourceVersion() != before {
		result.wrote("applied", want.id)
	}
	return nil
}

// apply writes over live, which is the owner's, and returns the object as it is
// then.
func (a *Applier) apply(ctx context.Context, want *desired, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	body := want.body.DeepCopy()
	body.SetUID(live.GetUID())
	err := a.opts.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(body), FieldManager, client.ForceOwnership)
	if err == nil && agrees(want.body.Object, body.Object) {
		return body, nil
	}
	if err != nil && !apierrors.IsInvalid(err) {
		return nil, err
	}
	if err == nil {
		live = body
	}
	whole := &unstructured.Unstructured{Object: overlay(want.body.Object, live.Object).(map[string]any)}
	return whole, a.opts.Client.Update(ctx, whole, FieldManager)
}

// takeOver turns the fields that a Create has set into applied ones, so that
// an apply without them removes them. It is needed once for each object.
func (a *Applier) takeOver(ctx context.Context, live *unstructured.Unstructured) error {
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(live, sets.New(string(FieldManager)), string(FieldManager))
	if err != nil || patch == nil {
		return err
	}
	return a.opts.Client.Patch(ctx, live, client.RawPatch(types.JSONPatchType, patch), FieldManager)
}

// remember keeps the API server's answer where it differs from what was sent.
func (f *fleet) remember(want *desired, answer *unstructured.Unstructured) {
	delete(f.accepted, want.id)
	if !agrees(want.body.Object, answer.Object) {
		f.accepted[want.id] = acceptance{want.hash, digest(project(want.body.Object, answer.Object))}
	}
}
