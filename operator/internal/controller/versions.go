package controller

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
)

// written is a version of an object that this process has written.
type written struct {
	uid     types.UID
	version string
	at      time.Time
}

func writtenAt(object client.Object, at time.Time) written {
	return written{object.GetUID(), object.GetResourceVersion(), at}
}

// unseen says whether a cache that shows the object like this does not show yet what was
// written. What is made of an older version would be refused, or take back what was said
// already.
func (w written) unseen(cached client.Object, now time.Time) bool {
	order, err := resourceversion.CompareResourceVersion(cached.GetResourceVersion(), w.version)
	return err == nil && order < 0 && cached.GetUID() == w.uid && now.Sub(w.at) <= cluster.Lag
}

// newest returns the object as it is cached, or where the cache does not show yet what was
// written at that time, with the status of that. What the cache shows is forgotten.
func newest[T any, P interface {
	*T
	client.Object
}](last *P, at time.Time, cached P, now time.Time, takeStatus func(into, from P)) P {
	if *last == nil {
		return cached
	}
	if !writtenAt(*last, at).unseen(cached, now) {
		*last = nil
		return cached
	}
	shallow := *cached
	takeStatus(&shallow, *last)
	P(&shallow).SetResourceVersion((*last).GetResourceVersion())
	return &shallow
}

// versions knows the versions of a kind's objects that this process has written lately. It
// is safe for concurrent use.
type versions struct {
	opts Options
	// empty makes an empty object of the kind.
	empty func() client.Object

	mu sync.Mutex
	// last are the versions. Once cluster.Lag is over, none is of interest.
	last recent[written]
}

func newVersions(opts Options, empty func() client.Object) *versions {
	return &versions{opts: opts, empty: empty, last: newRecent[written](cluster.Lag)}
}

// wrote notes the version that an object has been written with.
func (v *versions) wrote(object client.Object) {
	now := v.opts.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last.turn(now)
	v.last.put(client.ObjectKeyFromObject(object), writtenAt(object, now))
}

// read reads an object from the cache, or from the API server while the cache does not
// show what was written.
func (v *versions) read(ctx context.Context, key types.NamespacedName) (client.Object, error) {
	object := v.empty()
	if err := v.opts.Client.Get(ctx, key, object); err != nil || !v.outdated(object) {
		return object, err
	}
	object = v.empty()
	return object, v.opts.Live.Get(ctx, key, object)
}

func (v *versions) outdated(cached client.Object) bool {
	v.mu.Lock()
	last, known := v.last.find(client.ObjectKeyFromObject(cached))
	v.mu.Unlock()
	return known && last.unseen(cached, v.opts.Now())
}
