package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// FieldManager owns the fields of provisioned objects.
const FieldManager = client.FieldOwner("fleetgate-provisioner")

// conflictPause is how long a foreign object is left in peace before its place
// is tried again. Its deletion is not seen, as only our own are watched.
const conflictPause = 15 * time.Second

// lag is how long a cache may be behind.
const lag = 10 * time.Second

// Options are what an Applier works with. All fields are required, except
// Available and Now.
type Options struct {
	// Client writes, and reads from caches that hold the objects with our
	// labels.
	Client client.Client
	// Live reads from the API server itself.
	Live client.Reader
	// Kinds are all kinds of objects that fleets have, each as an empty object:
	// a typed one, or a metav1.PartialObjectMetadata for a kind of which the
	// cache holds the metadata. Objects of these kinds that are not desired are
	// removed.
	Kinds []client.Object
	// Available says whether the API server knows the kind of the object. nil
	// means that it knows all.
	Available func(client.Object) bool
	Now       func() time.Time
}

// Conflict is an object that stands where one of ours should.
type Conflict struct {
	Kind string
	types.NamespacedName
	// Owner describes who controls it, and is empty when nobody does.
	Owner string
}

// Result is what one Sync did.
type Result struct {
	Conflicts []Conflict
	// Written are the objects that were created, changed or deleted, as
	// "Kind name", in order.
	Written []string
}

// Kept is an object in the owner's namespace. The core API group has no name.
type Kept struct{ Group, Kind, Name string }

// Applier writes the objects of fleets. It is safe for concurrent use by
// several owners, not for one owner twice at a time.
type Applier struct {
	opts Options

	mu     sync.Mutex
	fleets map[types.NamespacedName]*fleet
}

// fleet is what is remembered of one owner's objects between calls.
type fleet struct {
	// accepted holds what the API server made of what was applied, where that
	// is not what was sent (a normalised quantity, say): such a difference is
	// nobody's change and no reason to write again.
	accepted map[id]acceptance
	// blocked are the conflicts of the last call, with the time of the next try.
	blocked map[id]blocked
	// created says when objects were, which the cache need not show yet.
	created map[id]time.Time
}

type acceptance struct{ hash, projection string }

type blocked struct {
	conflict Conflict
	until    time.Time
}

// New returns an Applier.
func New(opts Options) *Applier {
	if opts.Available == nil {
		opts.Available = func(client.Object) bool { return true }
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Applier{opts: opts, fleets: make(map[types.NamespacedName]*fleet)}
}

// Sync brings the objects of the owner into the desired state and deletes those
// of its objects, of all Kinds, that are neither desired nor among keep, which
// somebody else writes. Kinds that are not available are passed over. A conflict is a
// result and not an error; the call goes on with the other objects, as it does after
// an error, and returns all errors, joined.
func (a *Applier) Sync(ctx context.Context, owner Owner, objects []client.Object, keep ...Kept) (Result, error) {
	var result Result
	var errs []error
	wanted := make(map[id]struct{}, len(objects)+len(keep))
	for _, kept := range keep {
		wanted[id{schema.GroupKind{Group: kept.Group, Kind: kept.Kind}, types.NamespacedName{Namespace: owner.Namespace, Name: kept.Name}}] = struct{}{}
	}
	memory := a.memory(owner.NamespacedName)
	for _, obj := range objects {
		if !a.opts.Available(obj) {
			continue
		}
		want, err := prepare(obj, owner, a.opts.Client.Scheme())
		if err != nil {
			// What it stands for is not known, and must not be removed.
			return result, err
		}
		wanted[want.id] = struct{}{}
		if err := a.ensure(ctx, owner, obj, want, memory, &result); err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, a.prune(ctx, owner, wanted, &result))
	return result, errors.Join(errs...)
}

// Forget drops what is remembered of the owner's objects.
func (a *Applier) Forget(owner types.NamespacedName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.fleets, owner)
}

func (a *Applier) memory(owner types.NamespacedName) *fleet {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.fleets[owner]
	if f == nil {
		f = &fleet{accepted: make(map[id]acceptance), blocked: make(map[id]blocked), created: make(map[id]time.Time)}
		a.fleets[owner] = f
	}
	return f
}

// ensure brings one object into the desired state.
func (a *Applier) ensure(ctx context.Context, owner Owner, obj client.Object, want *desired, memory *fleet, result *Result) error {
	if b, ok := memory.blocked[want.id]; ok && a.opts.Now().Before(b.until) {
		result.Conflicts = append(result.Conflicts, b.conflict)
		return nil
	}
	delete(memory.blocked, want.id)

	cached := obj.DeepCopyObject().(client.Object)
	err := a.opts.Client.Get(ctx, want.id.key, cached)
	switch {
	case apierrors.IsNotFound(err):
		return a.bring(ctx, owner, want, memory, result)
	case meta.IsNoMatchError(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading %s: %w", want.id, err)
	}
	same, err := unchanged(want, cached, owner, memory)
	if same || err != nil {
		return err
	}
	return a.change(ctx, owner, want, memory, result)
}

// bring creates an object that the cache does not have. One that was created a moment
// ago is looked for first: a Create would be refused, which is a write for nothing.
func (a *Applier) bring(ctx context.Context, owner Owner, want *desired, memory *fleet, result *Result) error {
	if a.opts.Now().Sub(memory.created[want.id]) < lag {
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

func (r *Result) wrote(verb string, id id) {
	r.Written = append(r.Written, verb+" "+id.gk.Kind+" "+id.key.Name)
}

func conflictWith(id id, live client.Object) Conflict {
	conflict := Conflict{Kind: id.gk.Kind, NamespacedName: id.key}
	for _, ref := range live.GetOwnerReferences() {
		if ref.Controller != nil && *ref.Controller {
			conflict.Owner = ref.Kind + " " + ref.Name
		}
	}
	return conflict
}
