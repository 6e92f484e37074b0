package apply

import (
	"crypto/sha256"
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
}

// settle returns the settlement of an object in the state in which it was read.
func settle(desired, live client.Object, owner Owner) (settlement, error) {
	digest := sha256.New()
	encoder := json.NewEncoder(digest)
	for _, part := range []any{desired, owner} {
		if err := encoder.Encode(part); err != nil {
			return settlement{}, fmt.Errorf("encoding %T %s: %w", desired, desired.GetName(), err)
		}
	}
	s := settlement{uid: live.GetUID(), version: live.GetResourceVersion()}
	digest.Sum(s.desired[:0])
	return s, nil
}

// is says whether two are the same. Nothing that no API server has stored is settled.
func (s settlement) is(other settlement) bool { return s.version != "" && s == other }

// emptyLike returns an object of the same type with nothing but its kind.
func emptyLike(obj client.Object) client.Object {
	empty := reflect.New(reflect.TypeOf(obj).Elem()).Interface().(client.Object)
	empty.GetObjectKind().SetGroupVersionKind(obj.GetObjectKind().GroupVersionKind())
	return empty
}
