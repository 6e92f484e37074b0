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

// task is one object that is to be brought into the desired state.
type task struct {
	*Applier
	owner   Owner
	desired client.Object
	id      id
	// ownerData is the owner in JSON.
	ownerData []byte
	// known is nobody else's.
	known *entry

	// found says that the cache has the object, and now what is settled if it is as it
	// is to be. want is only there if it is compared with something.
	found bool
	now   settlement
	want  *desired

	result Result
	err    error
}

// look says whether there is something to do, as far as the cache tells. It asks the API
// server for nothing.
func (t *task) look(ctx context.Context) (due bool) {
	if b := t.known.blocked; b != nil && t.opts.Now().Before(b.until) {
		t.result.Conflicts = append(t.result.Conflicts, b.conflict)
		return false
	}
	t.known.blocked = nil
	due, t.err = t.compare(ctx)
	return due && t.err == nil
}

func (t *task) compare(ctx context.Context) (due bool, err error) {
	cached := t.emptyCached()
	err = t.opts.Client.Get(ctx, t.id.key, cached)
	switch {
	case meta.IsNoMatchError(err):
		return false, nil
	case client.IgnoreNotFound(err) != nil:
		return false, fmt.Errorf("reading %s: %w", t.id, err)
	}
	t.found = err == nil
	if t.now, err = settle(t.desired, cached, t.ownerData); err != nil || t.found && t.known.settled.is(t.now) {
		return false, err
	}
	if !t.found {
		return true, nil
	}
	same := t.onlyStatus(cached)
	if !same {
		same, err = t.unchangedSince(ctx, cached)
	}
	if same {
		t.known.settled = t.now
	}
	return !same, err
}

// prepare has want be there.
func (t *task) prepare() (err error) {
	if t.want == nil {
		t.want, err = prepare(t.desired, t.owner, t.now.hash(), t.opts.Client.Scheme())
	}
	return err
}

// bring does what there is to do.
func (t *task) bring(ctx context.Context) error {
	if t.found {
		return t.change(ctx)
	}
	// One that was created a moment ago is looked for first: a Create would be refused,
	// which is a write for nothing.
	if t.opts.Now().Sub(t.known.created) < cluster.Lag {
		if err := t.change(ctx); !apierrors.IsNotFound(err) {
			return err
		}
	}
	return t.create(ctx)
}

// unchanged says whether the object, as it was read, is the owner's and is as it was
// applied, from the very state that is desired now.
func (t *task) unchanged(object client.Object) (bool, error) {
	if !t.marked(object) {
		return false, nil
	}
	if err := t.prepare(); err != nil {
		return false, err
	}
	live, err := fieldsAs(t.want, object)
	if err != nil {
		return false, err
	}
	if agrees(t.want.body.Object, live) {
		return true, nil
	}
	accepted := t.known.accepted
	return accepted.hash == t.now.hash() && accepted.projection == digest(project(t.want.body.Object, live)), nil
}

// marked says whether the object is the owner's, and what is desired was applied last.
func (t *task) marked(object client.Object) bool {
	return t.owner.Owns(object) && object.GetAnnotations()[HashAnnotation] == t.now.hash()
}

// fieldsAs returns the fields of an object that is of the kind of want.
func fieldsAs(want *desired, object client.Object) (map[string]any, error) {
	if plain, is := object.(*unstructured.Unstructured); is {
		return plain.Object, nil
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("converting %s: %w", want.id, err)
	}
	// Typed objects that were read carry neither.
	fields["apiVersion"], fields["kind"] = want.body.GetAPIVersion(), want.body.GetKind()
	return fields, nil
}

func (t *task) create(ctx context.Context) error {
	body, err := newborn(t.desired, t.owner, t.now.hash(), t.opts.Client.Scheme())
	if err != nil {
		return err
	}
	err = t.opts.Client.Create(ctx, body, FieldManager)
	switch {
	case err == nil:
		t.known.created = t.opts.Now()
		t.result.wrote("created", t.id)
		// What the API server has made of it is for the cache to tell. As long as it stays
		// like that, it is what was wanted.
		t.known.accepted = acceptance{}
		t.settled(body)
		return nil
	case apierrors.IsAlreadyExists(err):
		return t.change(ctx)
	case meta.IsNoMatchError(err):
		return nil
	default:
		return fmt.Errorf("creating %s: %w", t.id, err)
	}
}

// change applies over an object that exists, if it is the owner's.
func (t *task) change(ctx context.Context) error {
	if err := t.prepare(); err != nil {
		return err
	}
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(t.want.body.GroupVersionKind())
	if err := t.opts.Live.Get(ctx, t.id.key, live); err != nil {
		// Gone since the cache was read: the next call creates it.
		return fmt.Errorf("reading %s: %w", t.id, err)
	}
	if !t.owner.Owns(live) {
		conflict := conflictWith(t.id, live)
		t.known.blocked = &blocked{conflict, t.opts.Now().Add(conflictPause)}
		t.result.Conflicts = append(t.result.Conflicts, conflict)
		return nil
	}
	if same, err := t.unchanged(live); same || err != nil {
		return err // The cache is behind.
	}
	if err := t.takeOver(ctx, live); err != nil {
		return fmt.Errorf("taking over the fields of %s: %w", t.id, err)
	}
	before := live.GetResourceVersion()
	ours, err := t.leaveReplicas(ctx, t.owner, t.want, live)
	if err != nil {
		return err
	}
	if ours != t.want && unwritten(ours, live) {
		t.remember(live)
		return nil
	}
	answer, err := t.apply(ctx, ours, live)
	if err != nil {
		return fmt.Errorf("applying %s: %w", t.id, err)
	}
	if answer.GetResourceVersion() != before {
		t.result.wrote("applied", t.id)
	}
	t.remember(answer)
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

// remember keeps the API server's answer where it differs from what was sent, and that
// the object is settled in that state.
func (t *task) remember(answer *unstructured.Unstructured) {
	t.known.accepted = acceptance{}
	if !agrees(t.want.body.Object, answer.Object) {
		t.known.accepted = acceptance{t.now.hash(), digest(project(t.want.body.Object, answer.Object))}
	}
	t.settled(answer)
}

// settled keeps that the object is as it is to be in the state of an answer.
func (t *task) settled(answer client.Object) {
	if t.marked(answer) {
		t.known.settled = t.now.in(answer)
	}
}
