package controller

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// culprit is an object whose translation panics: a route, a ListenerSet, a policy, an
// XBackend, or parameters.
type culprit struct {
	key        store.ObjectKey
	uid        types.UID
	generation int64
	// bare says of a route that its matches have to go as well.
	bare bool
	// by is the route that leads to an object of which nothing is read otherwise.
	by       store.RouteKey
	panicked *panicError
	// logged says that an earlier version of it has panicked in the same way.
	logged bool
	// until is when it is tried again, as what it refers to may have been the cause.
	until time.Time
}

func newCulprit(key store.ObjectKey, object client.Object, panicked *panicError) culprit {
	return culprit{key: key, uid: object.GetUID(), generation: object.GetGeneration(), panicked: panicked}
}

func (c *culprit) isRoute() bool {
	return slices.ContainsFunc(store.RouteKinds(), func(kind store.RouteKind) bool { return kind.Name == c.key.Kind })
}

// around returns what it takes of the resources to try the culprit: of the routes none but
// itself, or the one that leads to it.
func (c *culprit) around(resources *store.Resources) *store.Resources {
	switch {
	case c.isRoute():
		return only(resources, []store.RouteKey{store.RouteKey(c.key)})
	case resources.Route(c.by) != nil:
		return plain(resources, c.by)
	}
	return only(resources, nil)
}

// rank has what others depend on come first.
func (c *culprit) rank() int {
	if c.isRoute() {
		return 1
	}
	return 0
}

// standInID is the UID of what stands in for it: neither is taken for the other, nor for
// what stands in for another version of it.
func (c *culprit) standInID() types.UID {
	id := fmt.Sprintf("%s/stand-in/%d", c.uid, c.generation)
	if c.bare {
		id += "/bare"
	}
	return types.UID(id)
}

func (c *culprit) is(object client.Object) bool {
	return object.GetUID() == c.uid && object.GetGeneration() == c.generation
}

// says is what is told of it.
func (c *culprit) says() string {
	then := "it has no effect"
	switch {
	case c.isRoute():
		then = "what it matches is answered with 500"
	case c.key.Kind == store.KindListenerSet:
		then = "its listeners are not served"
	case c.key.Kind == store.KindXBackend:
		then = "what leads to it is answered with 500"
	case c.key.Kind == store.KindBackendTLSPolicy:
		then = "what leads to its backends is answered with 502"
	case c.key.Kind == v1alpha1.KindGatewayParameters:
		then = "the fleets that use it stay as they are"
	}
	return fmt.Sprintf("it cannot be translated (%s), and %s; this is a fault of the operator", c.panicked, then)
}

// culprits are those of all Gateways that were found last. It is safe for concurrent
// use.
type culprits struct {
	mu    sync.Mutex
	found map[types.NamespacedName][]culprit
}

func newCulprits() *culprits { return &culprits{found: make(map[types.NamespacedName][]culprit)} }

// of returns those of a Gateway that are as they were, and not due to be tried again, and
// of the others the suspects: those that are still there.
func (c *culprits) of(gateway types.NamespacedName, resources *store.Resources, now time.Time) (known, suspects []culprit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, found := range c.found[gateway] {
		switch object := resources.Object(found.key); {
		case object == nil:
		case found.is(object) && now.Before(found.until):
			known = append(known, found)
		default:
			suspects = append(suspects, found)
		}
	}
	return known, suspects
}

// set remembers the culprits of a Gateway and returns those that are none any more.
func (c *culprits) set(gateway types.NamespacedName, found []culprit) (over []store.ObjectKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, before := range c.found[gateway] {
		if !slices.ContainsFunc(found, func(now culprit) bool { return now.key == before.key }) {
			over = append(over, before.key)
		}
	}
	if len(found) == 0 {
		delete(c.found, gateway)
	} else {
		c.found[gateway] = found
	}
	return over
}

// forget drops all that is known of a Gateway.
func (c *culprits) forget(gateway types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.found, gateway)
}

// tellCulprits has the status and an Event tell of objects that cannot be translated. Those
// that are parameters are among the refused ones, which the ParametersReconciler tells of.
func (w *work) tellCulprits() {
	for i := range w.culprits {
		c := &w.culprits[i]
		if c.isRoute() {
			w.observed.Untranslated = append(w.observed.Untranslated, proxyconfig.RefusedItem{
				Kind: proxyconfig.KindRoute, RouteKind: c.key.Kind, Name: c.key.NamespacedName.String(), Reason: c.says(),
			})
		}
		if c.key.Kind != v1alpha1.KindGatewayParameters {
			w.events.broken(w.gateway, w.resources.Object(c.key), c.key, c.says())
		}
	}
	for _, key := range w.GatewayReconciler.culprits.set(w.key, w.culprits) {
		w.events.broken(w.gateway, nil, key, "")
	}
}
