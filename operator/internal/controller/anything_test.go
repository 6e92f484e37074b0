package controller

import (
	"errors"
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/randfill"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
)

// oneOf picks one of a few, so that objects refer to each other now and then.
func oneOf[T ~string](c randfill.Continue, of ...T) T { return of[c.Intn(len(of))] }

// anything fills objects with what their types can hold, whatever a schema says of it.
func anything(seed int64) *randfill.Filler {
	return randfill.NewWithSeed(seed).NilChance(0.3).NumElements(0, 3).Funcs(
		func(m *metav1.ObjectMeta, c randfill.Continue) {
			c.FillNoCustom(m)
			m.Namespace, m.Name, m.ResourceVersion = oneOf(c, "tenant", "other"), oneOf(c, "gw", "a", "fleetgate"), ""
			m.UID = types.UID(oneOf(c, "1", "2"))
		},
		func(s *gatewayv1.ObjectName, c randfill.Continue) {
			*s = oneOf[gatewayv1.ObjectName](c, "gw", "a", "fleetgate")
		},
		func(s *gatewayv1.Namespace, c randfill.Continue) {
			*s = oneOf[gatewayv1.Namespace](c, "tenant", "other", "")
		},
		func(s *gatewayv1.Group, c randfill.Continue) {
			*s = oneOf[gatewayv1.Group](c, "", gatewayv1.GroupName, "gateway.networking.x-k8s.io", "fleetgate.io")
		},
		func(s *gatewayv1.Kind, c randfill.Continue) {
			*s = oneOf[gatewayv1.Kind](c, "Gateway", "ListenerSet", "Service", "XBackend", "Secret", "ConfigMap", "GatewayParameters")
		},
	)
}

// What caches and watches do with an object is done outside of all looks, where a panic
// would end the process, and each one that follows it.
func TestNoObjectEndsTheProcess(t *testing.T) {
	c := newCrowd(t, 1)
	c.hear = func(client.Object) {}
	watches := c.gateways.watches()
	for _, kind := range optionalKinds() {
		watches = append(watches, c.gateways.watchOf(kind.object))
	}
	options := cluster.CacheOptions(nil)
	for _, w := range watches {
		name := reflect.TypeOf(w.object).Elem().Name() + w.object.GetObjectKind().GroupVersionKind().Kind
		t.Run(name, func(t *testing.T) {
			transform := transformOf(&options, w.object)
			for seed := range int64(300) {
				var panicked *panicError
				if err := contain(func() { c.survives(t, w, seed, transform) }); errors.As(err, &panicked) {
					t.Fatalf("seed %d: %v\n%s", seed, err, panicked.stack)
				}
			}
		})
	}
}

// survives has an object come, change and go.
func (c *crowd) survives(t *testing.T, w watch, seed int64, transform func(any) (any, error)) {
	var states [2]client.Object
	filler := anything(seed)
	for i := range states {
		object := w.object.DeepCopyObject().(client.Object)
		filler.Fill(object)
		object.GetObjectKind().SetGroupVersionKind(w.object.GetObjectKind().GroupVersionKind())
		stripped, err := transform(object)
		if err != nil {
			t.Fatal(err)
		}
		states[i] = stripped.(client.Object)
		c.put(states[i])
		w.gateways(t.Context(), states[i])
		w.appears(states[i])
	}
	w.matters(states[0], states[1])
}

// transformOf is what the cache makes of an object before anybody sees it.
func transformOf(options *cache.Options, object client.Object) func(any) (any, error) {
	for of, by := range options.ByObject {
		same := reflect.TypeOf(of) == reflect.TypeOf(object) && of.GetObjectKind().GroupVersionKind() == object.GetObjectKind().GroupVersionKind()
		if same && by.Transform != nil {
			return by.Transform
		}
	}
	return options.DefaultTransform
}
