package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// settlement is what is desired of an object, with the state in which the object was seen
// to be so. Most looks at a Gateway find all objects in theirs, and to compare an object
// field by field takes a copy of it in another form.
type settlement struct {
	desired [sha256.Size]byte
	uid     types.UID
	version string
	// generation is zero of a kind whose spec is not counted.
	generation int64
}

// settle returns the settlement of an object in the state in which it was read. The owner
// is in JSON.
func settle(desired, live client.Object, owner []byte) (settlement, error) {
	digest := sha256.New()
	// An Encoder keeps no copy of what it has written.
	if err := json.NewEncoder(digest).Encode(unscaled(desired)); err != nil {
		return settlement{}, fmt.Errorf("encoding %T %s: %w", desired, desired.GetName(), err)
	}
	digest.Write(owner)
	s := settlement{}.in(live)
	digest.Sum(s.desired[:0])
	return s, nil
}

// in returns the same with the state of an object.
func (s settlement) in(live client.Object) settlement {
	s.uid, s.version, s.generation = live.GetUID(), live.GetResourceVersion(), live.GetGeneration()
	return s
}

// is says whether two are the same. Nothing that no API server has stored is settled.
func (s settlement) is(other settlement) bool { return s.version != "" && s == other }

// hash is the value of HashAnnotation for what is desired.
func (s settlement) hash() string { return hex.EncodeToString(s.desired[:]) }

// onlyStatus says whether the object, which was settled before, differs from then in its
// status at the most, or in what others have added to its metadata. A Deployment tells of
// its pods several times for each that comes.
func (t *task) onlyStatus(live client.Object) bool {
	before, now := t.known.settled, t.now
	return before.version != "" && before.desired == now.desired && before.uid == now.uid &&
		before.generation == now.generation && now.generation != 0 &&
		t.marked(live) && has(live.GetLabels(), t.desired.GetLabels()) && has(live.GetLabels(), t.owner.Labels) &&
		has(live.GetAnnotations(), t.desired.GetAnnotations())
}

// has says whether everything in wanted is in there.
func has(there, wanted map[string]string) bool {
	for key, text := range wanted {
		if found, ok := there[key]; !ok || found != text {
			return false
		}
	}
	return true
}

// emptyLike returns an object of the same type with nothing but its kind.
func emptyLike(obj client.Object) client.Object {
	empty := reflect.New(reflect.TypeOf(obj).Elem()).Interface().(client.Object)
	empty.GetObjectKind().SetGroupVersionKind(obj.GetObjectKind().GroupVersionKind())
	return empty
}
