package controller

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
)

// Tenants of one large Gateway have a ListenerSet each, with so many routes, and some of
// them share a namespace.
const (
	routesPerSet     = 16
	setsPerNamespace = 50
)

// newTenants is a crowd of such tenants, whose objects are in memory as an API server's
// answers are.
func newTenants(t testing.TB, sets int) *crowd {
	c := newCrowd(t, 0)
	c.stored = received(t)
	for i := range sets {
		c.joinSet(i)
	}
	return c
}

// settledTenants have their statuses.
func settledTenants(t testing.TB, sets int) *crowd {
	c := newTenants(t, sets)
	for range 3 {
		c.look(t)
		c.settle()
	}
	return c
}

// received is what becomes of an object on its way from the API server to a cache.
func received(t testing.TB) func(client.Object) client.Object {
	options := cluster.CacheOptions(nil)
	transforms := make(map[reflect.Type]cache.TransformFunc)
	for object, by := range options.ByObject {
		transforms[reflect.TypeOf(object)] = by.Transform
	}
	return func(obj client.Object) client.Object {
		raw, err := json.Marshal(obj)
		if err != nil {
			t.Fatal(err)
		}
		decoded := reflect.New(reflect.TypeOf(obj).Elem()).Interface()
		if err := json.Unmarshal(raw, decoded); err != nil {
			t.Fatal(err)
		}
		transform := transforms[reflect.TypeOf(obj)]
		if transform == nil {
			transform = options.DefaultTransform
		}
		out, err := transform(decoded)
		if err != nil {
			t.Fatal(err)
		}
		return out.(client.Object)
	}
}

func setName(i int) types.NamespacedName {
	return types.NamespacedName{Namespace: fmt.Sprintf("team-%03d", i/setsPerNamespace), Name: fmt.Sprintf("set-%05d", i)}
}

// metaOf is what an API server makes of a new object's metadata.
func metaOf(name types.NamespacedName) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: name.Namespace, Name: name.Name, UID: types.UID(fmt.Sprintf("7b4e5d0c-%028s", name.Name)), Generation: 1,
		CreationTimestamp: metav1.Unix(1764230400, 0),
	}
}

// joinSet adds a ListenerSet with its routes.
func (c *crowd) joinSet(i int) {
	name := setName(i)
	if i%setsPerNamespace == 0 {
		c.put(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name.Namespace}})
	}
	set := listenerSet(name.Name, c.gateway.Name)
	set.ObjectMeta = metaOf(name)
	set.Spec.ParentRef = gatewayv1.ParentGatewayReference{
		Group: new(gatewayv1.Group(gatewayv1.GroupName)), Kind: new(gatewayv1.Kind("Gateway")),
		Namespace: new(gatewayv1.Namespace(c.gateway.Namespace)), Name: gatewayv1.ObjectName(c.gateway.Name),
	}
	set.Spec.Listeners[0].Port, set.Spec.Listeners[0].Hostname = 80, new(gatewayv1.Hostname(name.Name+".example.com"))
	c.put(set)
	for j := range routesPerSet {
		c.changeInSet(i*routesPerSet+j, 1)
	}
}

// changeInSet gives a route of a ListenerSet another spec, with the defaults of the API.
func (c *crowd) changeInSet(i, generation int) {
	set := setName(i / routesPerSet)
	r := &gatewayv1.HTTPRoute{ObjectMeta: metaOf(types.NamespacedName{Namespace: set.Namespace, Name: fmt.Sprintf("%s-%02d", set.Name, i%routesPerSet)})}
	if live, there, _ := c.of(r).GetByKey(r.Namespace + "/" + r.Name); there {
		r = live.(*gatewayv1.HTTPRoute).DeepCopy()
	}
	r.Generation = int64(generation)
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{
		Group: new(gatewayv1.Group(gatewayv1.GroupName)), Kind: new(gatewayv1.Kind("ListenerSet")), Name: gatewayv1.ObjectName(set.Name),
	}}
	r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(set.Name + ".example.com")}
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{{
		Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{
			Type: new(gatewayv1.PathMatchPathPrefix), Value: new(fmt.Sprintf("/route-%d/%d", i%routesPerSet, generation)),
		}}},
		Filters: []gatewayv1.HTTPRouteFilter{{
			Type:            gatewayv1.HTTPRouteFilterRequestRedirect,
			RequestRedirect: &gatewayv1.HTTPRequestRedirectFilter{StatusCode: new(302), Hostname: new(gatewayv1.PreciseHostname("elsewhere.example.com"))},
		}},
	}}
	c.put(r)
}

// inUse is what of the heap is in use.
func inUse() float64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// What the operator holds for each route stays small: the object in its cache with the
// indexes, and what is made of it.
func TestManyRoutesAreSmall(t *testing.T) {
	const few, many, most = 25, 125, 8 << 10
	measure := func(sets int) float64 {
		before := inUse()
		c := settledTenants(t, sets)
		used := inUse() - before
		runtime.KeepAlive(c)
		return used
	}
	// What there is once is in both.
	each := (measure(many) - measure(few)) / ((many - few) * routesPerSet)
	t.Logf("%.0f bytes for each route", each)
	if each > most {
		t.Errorf("a route takes %.0f bytes, and may take %d", each, most)
	}
}

// A change of one route has each listener looked at, and none of them all the others.
func TestAChangeAllocatesInProportionToTheListenerSets(t *testing.T) {
	measure := func(sets int) uint64 {
		c := settledTenants(t, sets)
		before := allocated()
		const changes = 5
		for generation := range changes {
			c.changeInSet(sets, generation+2)
			c.look(t)
			c.settle()
		}
		return (allocated() - before) / changes
	}
	few, many := measure(100), measure(400)
	t.Logf("%d bytes among 100 ListenerSets, %d among 400", few, many)
	if many > 5*few {
		t.Errorf("a change allocates %d bytes among 100 ListenerSets, and %d among 400", few, many)
	}
}

// A ListenerSet that joins others has its own routes read and reported, and none of theirs.
func TestAListenerSetJoinsForWhatItHasItself(t *testing.T) {
	type cost struct{ read, proposed int }
	// Some joins have more parts encoded than others.
	const joins = 20
	measure := func(sets int) (each cost, bytes uint64) {
		c := settledTenants(t, sets)
		for i := range joins {
			c.read = 0
			before := allocated()
			c.joinSet(sets + i)
			c.look(t)
			each, bytes = cost{c.read, len(c.gateways.routes["HTTPRoute"].proposed)}, bytes+allocated()-before
			c.settle()
		}
		return each, bytes / joins
	}
	// Not the first ones of their namespaces.
	few, fewBytes := measure(101)
	many, manyBytes := measure(401)
	t.Logf("%+v and %d bytes among 101 ListenerSets, %+v and %d among 401", few, fewBytes, many, manyBytes)
	if few != many || few.proposed != routesPerSet {
		t.Errorf("a ListenerSet with %d routes costs %+v among 101 others, %+v among 401", routesPerSet, few, many)
	}
	if manyBytes > 3*fewBytes {
		t.Errorf("it allocates %d bytes among 101 others, and %d among 401", fewBytes, manyBytes)
	}
}

// allocated is what was allocated so far, in bytes.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// BenchmarkJoin is what a new ListenerSet with its routes costs among others, from the
// objects in the caches to the parts that are written and the statuses that are compared.
func BenchmarkJoin(b *testing.B) {
	for _, sets := range []int{100, 2500} {
		b.Run(fmt.Sprintf("%d sets", sets), func(b *testing.B) {
			c := settledTenants(b, sets)
			b.ReportAllocs()
			for b.Loop() {
				c.joinSet(sets)
				c.look(b)
				c.settle()
				sets++
			}
		})
	}
}

// BenchmarkIdle is a look at a Gateway of which nothing has changed.
func BenchmarkIdle(b *testing.B) {
	for _, sets := range []int{100, 2500} {
		b.Run(fmt.Sprintf("%d sets", sets), func(b *testing.B) {
			c := settledTenants(b, sets)
			b.ReportAllocs()
			for b.Loop() {
				c.look(b)
			}
		})
	}
}

// BenchmarkFootprint reports the memory of a Gateway with 40,000 routes by ListenerSets:
// that of the objects in the caches, and that with what is remembered of them.
func BenchmarkFootprint(b *testing.B) {
	for b.Loop() {
		before := inUse()
		c := newTenants(b, 2500)
		cached := inUse()
		for range 3 {
			c.look(b)
			c.settle()
		}
		b.ReportMetric((cached-before)/(1<<20), "new-MiB")
		b.ReportMetric((inUse()-before)/(1<<20), "settled-MiB")
		runtime.KeepAlive(c)
	}
}
