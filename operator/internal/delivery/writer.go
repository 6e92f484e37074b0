package delivery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/cluster"
)

// FieldManager owns the fields of delivered objects.
const FieldManager = client.FieldOwner("fleetgate-config")

// attempts bounds how often one call looks again after somebody else was
// faster. What is left over is an error, and so a later call.
const attempts = 4

// Options are what a Writer works with. All fields are required, except Now.
type Options struct {
	// Client writes, and reads the metadata of ConfigMaps and Secrets from a cache.
	Client client.Client
	// Live reads from the API server itself.
	Live client.Reader
	Now  func() time.Time
}

// Writer stores the configurations of many Gateways. It is safe for concurrent
// use by several owners, not for one owner twice at a time.
type Writer struct {
	opts Options

	mu     sync.Mutex
	fleets map[types.NamespacedName]*memory
}

// memory is what is known of one owner's objects beyond what the cache says.
type memory struct {
	config written
	// surpass is a revision that the document's has to exceed.
	surpass int64
	// parts are the ConfigMaps of parts by name, cuts what they were made of, and
	// have which of them the configuration has.
	parts map[string]*written
	cuts  cuts
	have  string
	// index is what lies of them in the document, nil where there are none, and layout what
	// it was made of.
	index   *proxyconfig.Index
	layout  proxyconfig.Layout
	secrets map[string]*written
	// prepared is the configuration of last time; nil where it is not known.
	prepared *prepared
	// admin is what was read of the credentials last.
	admin *Admin
}

// written is the last state of one object that is known for certain.
type written struct {
	uid     types.UID
	version string
	// since is when the version became known.
	since time.Time
	// stale are versions that were replaced before, newest last: a cache that
	// still shows one of them is behind and not in disagreement, for a while.
	stale []string
	// content identifies what was written; revision and parts are a document's.
	content  string
	revision int64
	parts    []proxyconfig.Part
	// tried are later writes of a document of which it is not known whether they were
	// stored, newest last: the answer may have been lost, and not the write.
	tried []attempt
	// versions are the data of a part's ConfigMap, by key.
	versions map[string][]byte
}

// attempt is a write of a document.
type attempt struct {
	content  string
	revision int64
}

// maxStale bounds written.stale, and written.tried. A cache that is further behind costs a
// read.
const maxStale = 16

// set records that the object has the version and content now.
func (w *written) set(uid types.UID, version, content string, now time.Time) {
	if w.uid == uid && w.version != "" && w.version != version {
		w.stale = newestOf(append(w.stale, w.version))
	}
	if w.uid != uid {
		w.stale = nil
	}
	w.uid, w.version, w.content, w.since, w.tried = uid, version, content, now, nil
}

// try notes what is about to be written.
func (w *written) try(content string, revision int64) {
	w.tried = newestOf(append(w.tried, attempt{content, revision}))
}

// wrote says whether a document can be what was written last.
func (w *written) wrote(content string, revision int64) bool {
	return w.content == content || slices.Contains(w.tried, attempt{content, revision})
}

// newestOf leaves the last ones, maxStale at most.
func newestOf[T any](all []T) []T {
	if extra := len(all) - maxStale; extra > 0 {
		return slices.Delete(all, 0, extra)
	}
	return all
}

// covers says whether the object, as a cache shows it, is the one that is known
// or an earlier state of it that a cache may still have.
func (w *written) covers(obj metav1.Object, now time.Time) bool {
	if w.version == "" || w.uid != obj.GetUID() {
		return false
	}
	version := obj.GetResourceVersion()
	return w.version == version || now.Sub(w.since) < cluster.Lag && slices.Contains(w.stale, version)
}

// New returns a Writer.
func New(opts Options) *Writer {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Writer{opts: opts, fleets: make(map[types.NamespacedName]*memory)}
}

// Forget drops what is remembered of the owner's objects.
func (w *Writer) Forget(owner types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.fleets, owner)
}

// Wrote says whether the version of the owner's object is one that this Writer
// has written, so that hearing of it is no news.
func (w *Writer) Wrote(owner types.NamespacedName, obj client.Object) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, now := w.fleets[owner], w.opts.Now()
	if m == nil {
		return false
	}
	if m.config.covers(obj, now) {
		return true
	}
	if part := m.parts[obj.GetName()]; part != nil && part.covers(obj, now) {
		return true
	}
	secret := m.secrets[obj.GetName()]
	return secret != nil && secret.covers(obj, now)
}

// Surpass has the document of the owner get a revision greater than this one, which its
// proxies have: they take none that is older, and after a cluster was restored from a
// backup what is stored may be.
func (w *Writer) Surpass(owner types.NamespacedName, revision int64) {
	m := w.memory(owner)
	w.locked(func() { m.surpass = max(m.surpass, revision) })
}

func (w *Writer) memory(owner types.NamespacedName) *memory {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.fleets[owner]
	if m == nil {
		m = &memory{parts: make(map[string]*written), secrets: make(map[string]*written)}
		w.fleets[owner] = m
	}
	return m
}

// locked changes what Wrote reads.
func (w *Writer) locked(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// ForeignError says that an object stands where one of the owner's should. It
// is not for a retry to solve.
type ForeignError struct{ Conflict apply.Conflict }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s %s belongs to somebody else", e.Conflict.Kind, e.Conflict.NamespacedName)
}

func foreign(kind string, obj client.Object) error {
	conflict := apply.Conflict{Kind: kind, NamespacedName: client.ObjectKeyFromObject(obj)}
	if ref := metav1.GetControllerOf(obj); ref != nil {
		conflict.Owner = ref.Kind + " " + ref.Name
	}
	return &ForeignError{conflict}
}

// store creates obj, or updates it when it has a resource version, and reports
// whether it lost a race.
func (w *Writer) store(ctx context.Context, obj client.Object) (raced bool, err error) {
	if obj.GetResourceVersion() == "" {
		err = w.opts.Client.Create(ctx, obj, FieldManager)
	} else {
		err = w.opts.Client.Update(ctx, obj, FieldManager)
	}
	if apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) || (apierrors.IsNotFound(err) && obj.GetResourceVersion() != "") {
		return true, nil
	}
	return false, err
}

// marked says whether the object has the labels by which caches see it.
func marked(obj client.Object, owner apply.Owner) bool {
	for key, value := range owner.Labels {
		if obj.GetLabels()[key] != value {
			return false
		}
	}
	return true
}

// adopt puts the owner's marks on an object's metadata. What others have put
// there stays.
func adopt(obj client.Object, owner apply.Owner) {
	labels := obj.GetLabels()
	if labels == nil {
		labels = make(map[string]string, len(owner.Labels))
	}
	for key, value := range owner.Labels {
		labels[key] = value
	}
	obj.SetLabels(labels)
	if !owner.Owns(obj) {
		obj.SetOwnerReferences([]metav1.OwnerReference{owner.Reference()})
	}
}
