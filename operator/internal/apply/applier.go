package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// FieldManager owns the fields of provisioned objects.
const FieldManager = client.FieldOwner("fleetgate-provisioner")

// conflictPause is how long a foreign object is left in peace before its place
// is tried again. Its deletion is not seen, as only our own are watched.
const conflictPause = 15 * time.Second

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
	fleets map[types.NamespacedName]fleet
}

// fleet is what is remembered of one owner's objects between calls.
type fleet map[id]*entry

// entry is what is remembered of one object.
type entry struct {
	// accepted is what the API server made of what was applied, where that is not what was
	// sent (a normalised quantity, say): such a difference is nobody's change and no
	// reason to write again.
	accepted acceptance
	// blocked is the conflict of the last call, with the time of the next try, or nil.
	blocked *blocked
	// created is when the object was, which the cache need not show yet.
	created time.Time
	// settled is the state in which it was seen to be as it is to be.
	settled settlement
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
	return &Applier{opts: opts, fleets: make(map[types.NamespacedName]fleet)}
}

// Sync brings the objects of the owner into the desired state, and deletes those of its
// objects, of all Kinds, that are neither desired nor among keep, which somebody else
// writes. Where one object does not need another, several are written at the same time.
// Kinds that are not available are passed over. A conflict is a result and not an error; the
// call goes on with the other objects, as it does after an error, and returns all errors,
// joined.
func (a *Applier) Sync(ctx context.Context, owner Owner, objects []client.Object, keep ...Kept) (Result, error) {
	var result Result
	wanted := make(map[id]struct{}, len(objects)+len(keep))
	for _, kept := range keep {
		wanted[id{schema.GroupKind{Group: kept.Group, Kind: kept.Kind}, types.NamespacedName{Namespace: owner.Namespace, Name: kept.Name}}] = struct{}{}
	}
	tasks, err := a.tasks(owner, objects, wanted)
	if err != nil {
		// What it stands for is not known, and must not be removed.
		return result, err
	}
	var errs []error
	for _, stage := range stages(tasks) {
		run(ctx, stage)
	}
	for _, t := range tasks {
		result.Conflicts = append(result.Conflicts, t.result.Conflicts...)
		result.Written = append(result.Written, t.result.Written...)
		errs = append(errs, t.err)
	}
	errs = append(errs, a.prune(ctx, owner, wanted, &result))
	return result, errors.Join(errs...)
}

// tasks are what there is to do for the available objects, which are added to wanted.
func (a *Applier) tasks(owner Owner, objects []client.Object, wanted map[id]struct{}) ([]*task, error) {
	ownerData, err := json.Marshal(owner)
	if err != nil {
		return nil, fmt.Errorf("encoding the owner %s: %w", owner.NamespacedName, err)
	}
	memory := a.memory(owner.NamespacedName)
	tasks := make([]*task, 0, len(objects))
	for _, obj := range objects {
		if !a.opts.Available(obj) {
			continue
		}
		this, err := idOf(obj, owner, a.opts.Client.Scheme())
		if err != nil {
			return nil, err
		}
		wanted[this] = struct{}{}
		tasks = append(tasks, &task{Applier: a, owner: owner, desired: obj, id: this, ownerData: ownerData, known: memory.entry(this)})
	}
	memory.drop(wanted)
	return tasks, nil
}

// Forget drops what is remembered of the owner's objects.
func (a *Applier) Forget(owner types.NamespacedName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.fleets, owner)
}

func (a *Applier) memory(owner types.NamespacedName) fleet {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.fleets[owner]
	if f == nil {
		f = make(fleet)
		a.fleets[owner] = f
	}
	return f
}

func (f fleet) entry(this id) *entry {
	if f[this] == nil {
		f[this] = &entry{}
	}
	return f[this]
}

// drop forgets the objects that are not wanted any more.
func (f fleet) drop(wanted map[id]struct{}) {
	maps.DeleteFunc(f, func(this id, _ *entry) bool {
		_, keep := wanted[this]
		return !keep
	})
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
