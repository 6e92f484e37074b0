package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// lateCache shows what there was when it caught up last. With Secrets it is never late.
type lateCache struct {
	client.WithWatch
	w    *world
	past client.Client
}

// late has the operator of the world read from such a cache, once it is booted again.
func (w *world) late() {
	w.cache = &lateCache{WithWatch: w.client, w: w}
	w.cache.catchUp()
}

func (c *lateCache) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if _, metadata := obj.(*metav1.PartialObjectMetadata); metadata && obj.GetObjectKind().GroupVersionKind().Kind != "ConfigMap" {
		return c.WithWatch.Get(ctx, key, obj, opts...)
	}
	return c.past.Get(ctx, key, obj, opts...)
}

func (c *lateCache) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if _, metadata := list.(*metav1.PartialObjectMetadataList); metadata && list.GetObjectKind().GroupVersionKind().Kind != "ConfigMapList" {
		return c.WithWatch.List(ctx, list, opts...)
	}
	return c.past.List(ctx, list, opts...)
}

// catchUp has the cache show what there is, and the controllers hear of it.
func (c *lateCache) catchUp() {
	c.w.t.Helper()
	var objects []client.Object
	for _, list := range []client.ObjectList{
		&gatewayv1.GatewayClassList{}, &gatewayv1.GatewayList{}, &gatewayv1.HTTPRouteList{}, &corev1.NamespaceList{}, &corev1.PodList{},
		&corev1.ConfigMapList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, &rbacv1.RoleList{}, &rbacv1.RoleBindingList{},
		&networkingv1.NetworkPolicyList{}, &policyv1.PodDisruptionBudgetList{}, &appsv1.DeploymentList{},
	} {
		c.w.must(c.w.plain.List(c.w.t.Context(), list))
		c.w.must(meta.EachListItem(list, func(item runtime.Object) error {
			objects = append(objects, item.(client.Object))
			return nil
		}))
	}
	b := fake.NewClientBuilder().WithScheme(c.Scheme()).WithObjects(objects...)
	for _, index := range store.Indexes() {
		b = b.WithIndex(index.Object, index.Name, index.Values)
	}
	c.past = b.Build()
	for _, obj := range objects {
		heard(c.w.gateways, obj)
	}
}

// birth is how a Gateway with ten routes comes into being.
type birth struct {
	// route is the time between two of the routes, and behind how long the cache is.
	route, behind time.Duration
	// address and pods are when the Service has its address and the proxies are ready.
	address, pods time.Duration
}

const (
	birthRoutes = 10
	birthTick   = 500 * time.Millisecond
	// birthLasts is longer than anything waits that is due to it.
	birthLasts = 16 * time.Second
)

// TestANewGatewayTakesFewWrites has the operator look at a Gateway twice a second
// while it comes up, whether there is a reason or not, in worlds of which each is slow in
// another place. Eight objects, the credentials and the configuration are ten writes.
func TestANewGatewayTakesFewWrites(t *testing.T) {
	inOneGoroutine(t)
	const most = 14
	for name, b := range map[string]birth{
		"everything is quick":     {route: 20 * time.Millisecond, behind: birthTick, address: birthTick, pods: 2 * time.Second},
		"the cache is slow":       {route: 50 * time.Millisecond, behind: 2 * time.Second, address: time.Second, pods: 3 * time.Second},
		"the address comes late":  {route: 100 * time.Millisecond, behind: 500 * time.Millisecond, address: 6 * time.Second, pods: 2 * time.Second},
		"everything is very slow": {route: 900 * time.Millisecond, behind: 3 * time.Second, address: 5 * time.Second, pods: 11 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, gateway("gw"), web())
			w.play()
			w.hold, w.patience = holdPause, time.Hour
			w.late()
			w.boot()
			writes := w.bear(b)
			if got := w.condition("gw", "Programmed"); got != "True Programmed" {
				t.Errorf("Programmed is %s", got)
			}
			if got := get(w, "gw", &gatewayv1.Gateway{}).Status.Listeners[0].AttachedRoutes; got != birthRoutes {
				t.Errorf("%d routes are attached", got)
			}
			if served := w.served("gw"); len(served) != birthRoutes {
				t.Errorf("it serves %v", served)
			}
			if len(writes) > most {
				t.Errorf("%d writes, want no more than %d: %s", len(writes), most, strings.Join(writes, ", "))
			}
		})
	}
}

// bear plays a birth, and returns the writes that it takes but for the statuses of routes.
func (w *world) bear(b birth) (writes []string) {
	w.t.Helper()
	w.take()
	routes, address, pods := 0, false, false
	for age := time.Duration(0); age < birthLasts; age += birthTick {
		for ; routes < birthRoutes && time.Duration(routes)*b.route <= age; routes++ {
			w.must(w.plain.Create(w.t.Context(), route(fmt.Sprintf("r%d", routes), "gw")))
		}
		there := w.exists(fleet("gw").Name(), &corev1.Service{})
		if there && !address && age >= b.address {
			w.assign("gw")
			address = true
		}
		if there && !pods && age >= b.pods {
			w.startPods("gw")
			pods = true
		}
		if age%b.behind == 0 {
			w.cache.catchUp()
		}
		w.look("gw")
		w.hearAll("gw")
		w.now = w.now.Add(birthTick)
	}
	return slices.DeleteFunc(w.take(), func(write string) bool { return strings.HasPrefix(write, "status r") })
}

// hearAll waits until all proxies that are followed are known to serve what is stored.
func (w *world) hearAll(gateway string) {
	w.t.Helper()
	document, _ := w.document(gateway)
	w.until("the proxies to report", func() bool {
		for _, proxy := range w.gateways.tracker.Fleet(request("tenant", gateway).NamespacedName) {
			if proxy.Report == nil || proxy.Report.Hash != document.Hash {
				return false
			}
		}
		return true
	})
}

// What nobody reads yet waits for more of its kind, and no longer than until somebody
// does: from the first address of a pod on, each change is stored as it is heard of.
func TestTheConfigurationWaitsForNobodyButTheFirstProxy(t *testing.T) {
	w := newWorld(t, gateway("gw"), web(), route("first", "gw"))
	w.hold = holdPause
	w.boot()
	add := func(name string) (stored bool, wait time.Duration) {
		w.must(w.client.Create(t.Context(), route(name, "gw")))
		wait = w.look("gw").RequeueAfter
		return w.served("gw")[name], wait
	}
	if w.look("gw"); !w.served("gw")["first"] {
		t.Error("the first one is not stored at once")
	}
	if stored, wait := add("second"); stored || wait != comingUpCalm {
		t.Errorf("that another one is stored at once is %t; it waits for %v", stored, wait)
	}
	w.now = w.now.Add(comingUpCalm)
	if w.look("gw"); !w.served("gw")["second"] {
		t.Error("it is not stored when nothing follows")
	}
	if stored, _ := add("third"); stored {
		t.Error("the third one is stored at once")
	}
	w.startPods("gw")
	if w.look("gw"); !w.served("gw")["third"] {
		t.Error("it is not stored once there are proxies")
	}
	for _, name := range []string{"fourth", "fifth"} {
		if stored, _ := add(name); !stored {
			t.Errorf("beside proxies, the %s one is not stored at once", name)
		}
	}
}
