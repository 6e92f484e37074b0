package apply

import (
	"context"
	"errors"
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
	// settled are the objects that were seen to be as they are to be.
	settled map[id]settlement
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
		this, err := idOf(obj, owner, a.opts.Client.Scheme())
		if err != nil {
			// What it stands for is not known, and must not be removed.
			return result, err
		}
		wanted[this] = struct{}{}
		if err := a.ensure(ctx, owner, obj, this, memory, &result); err != nil {
			errs = append(errs, err)
		}
	}
	memory.drop(wanted)
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
		f = &fleet{
			accepted: make(map[id]acceptance), blocked: make(map[id]blocked), created: make(map[id]time.Time),
			settled: make(map[id]settlement),
		}
		a.fleets[owner] = f
	}
	return f
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
