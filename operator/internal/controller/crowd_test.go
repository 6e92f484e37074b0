package controller

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/metrics"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// informers answer reads as the caches of informers do, from indexes and without
// copies, and take writes as if the API server's answer came at once.
type informers struct {
	client.Client
	// hear is told of each state that an object has had, once the next one is there.
	hear func(client.Object)
	// stored is an object as it is kept.
	stored func(client.Object) client.Object
	kinds  map[reflect.Type]cache.Indexer
	scheme *runtime.Scheme
	// mu guards kinds, and the counts that follow.
	mu       sync.Mutex
	versions int
	// read counts the objects that were read.
	read int
}

func newInformers() *informers {
	i := &informers{kinds: make(map[reflect.Type]cache.Indexer), hear: func(client.Object) {}, stored: func(obj client.Object) client.Object { return obj }}
	for _, index := range store.Indexes() {
		values := index.Values
		// A new index of an empty indexer cannot fail.
		_ = i.of(index.Object).AddIndexers(cache.Indexers{index.Name: func(obj any) ([]string, error) {
			return values(obj.(client.Object)), nil
		}})
	}
	return i
}

func (i *informers) of(obj runtime.Object) cache.Indexer { return i.kind(reflect.TypeOf(obj)) }

func (i *informers) kind(kind reflect.Type) cache.Indexer {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.kinds[kind] == nil {
		i.kinds[kind] = cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	}
	return i.kinds[kind]
}

// put stores a new version of an object.
func (i *informers) put(obj client.Object) {
	i.mu.Lock()
	i.versions++
	obj.SetResourceVersion(strconv.Itoa(i.versions))
	i.mu.Unlock()
	if obj.GetUID() == "" {
		obj.SetUID(types.UID("uid of " + obj.GetName()))
	}
	obj = i.stored(obj)
	i.keep(obj)
	if metadata := metadataOf(obj); metadata != nil {
		i.keep(metadata)
	}
}

func (i *informers) keep(obj client.Object) {
	before, had, _ := i.of(obj).Get(obj)
	// The key function fails for what is no object.
	_ = i.of(obj).Update(obj)
	if had {
		i.hear(before.(client.Object))
	}
	i.hear(obj)
}

// metadataOf is what is cached of a Secret or ConfigMap; nil for what is none.
func metadataOf(obj client.Object) client.Object {
	switch obj := obj.(type) {
	case *corev1.Secret:
		metadata := cluster.SecretMetadata()
		obj.ObjectMeta.DeepCopyInto(&metadata.ObjectMeta)
		return metadata
	case *corev1.ConfigMap:
		metadata := cluster.ConfigMapMetadata()
		obj.ObjectMeta.DeepCopyInto(&metadata.ObjectMeta)
		return metadata
	}
	return nil
}

// remove deletes an object.
func (i *informers) remove(obj client.Object) {
	before, had, _ := i.of(obj).Get(obj)
	if !had {
		return
	}
	_ = i.of(obj).Delete(obj)
	i.hear(before.(client.Object))
	if metadata := metadataOf(before.(client.Object)); metadata != nil {
		i.remove(metadata)
	}
}

// heard does what events about an object do before they are queued.
func heard(r *GatewayReconciler, obj client.Object) { hearing(r)(obj) }

// hearing is heard for many objects.
func hearing(r *GatewayReconciler) func(client.Object) {
	all := r.watches()
	for _, kind := range optionalKinds() {
		all = append(all, r.watchOf(kind.object))
	}
	return func(obj client.Object) {
		if metadata := metadataOf(obj); metadata != nil {
			obj = metadata
		}
		for _, w := range all {
			_, metadata := obj.(*metav1.PartialObjectMetadata)
			if reflect.TypeOf(w.object) == reflect.TypeOf(obj) && (!metadata || w.object.GetObjectKind().GroupVersionKind().Kind == obj.GetObjectKind().GroupVersionKind().Kind) {
				w.gateways(context.Background(), obj)
			}
		}
	}
}

func (i *informers) Get(_ context.Context, key types.NamespacedName, into client.Object, _ ...client.GetOption) error {
	name := key.String()
	if key.Namespace == "" {
		name = key.Name
	}
	i.reads(1)
	found, ok, err := i.of(into).GetByKey(name)
	if err != nil || !ok {
		return apierrors.NewNotFound(schema.GroupResource{}, key.String())
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(found).Elem())
	return nil
}

func (i *informers) reads(objects int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.read += objects
}

func (i *informers) List(_ context.Context, into client.ObjectList, opts ...client.ListOption) error {
	options := client.ListOptions{}
	options.ApplyOptions(opts)
	items := reflect.TypeOf(into).Elem()
	field, _ := items.FieldByName("Items")
	indexer := i.kind(reflect.PointerTo(field.Type.Elem()))
	found, err := find(indexer, &options)
	if err != nil {
		return err
	}
	i.reads(len(found))
	objects := make([]runtime.Object, 0, len(found))
	for _, obj := range found {
		if listed(obj.(client.Object), into, &options) {
			objects = append(objects, obj.(runtime.Object))
		}
	}
	return meta.SetList(into, objects)
}

// listed says whether an object of the list's type is what is asked for.
func listed(obj client.Object, into client.ObjectList, options *client.ListOptions) bool {
	if _, metadata := obj.(*metav1.PartialObjectMetadata); metadata &&
		obj.GetObjectKind().GroupVersionKind().Kind+"List" != into.GetObjectKind().GroupVersionKind().Kind {
		return false
	}
	return (options.Namespace == "" || obj.GetNamespace() == options.Namespace) &&
		(options.LabelSelector == nil || options.LabelSelector.Matches(labels.Set(obj.GetLabels())))
}

func find(indexer cache.Indexer, options *client.ListOptions) ([]any, error) {
	switch {
	case options.FieldSelector != nil:
		by := options.FieldSelector.Requirements()[0]
		return indexer.ByIndex(by.Field, by.Value)
	case options.Namespace != "":
		return indexer.ByIndex(cache.NamespaceIndex, options.Namespace)
	default:
		return indexer.List(), nil
	}
}

func (i *informers) Scheme() *runtime.Scheme { return i.scheme }

func (i *informers) Create(_ context.Context, obj client.Object, _ ...client.CreateOption) error {
	if fields, is := obj.(*unstructured.Unstructured); is {
		typed, err := i.scheme.New(fields.GroupVersionKind())
		if err != nil {
			return err
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields.Object, typed); err != nil {
			return err
		}
		obj = typed.(client.Object)
	}
	i.put(obj)
	return nil
}

func (i *informers) Update(_ context.Context, obj client.Object, _ ...client.UpdateOption) error {
	i.put(obj)
	return nil
}

func (i *informers) Status() client.SubResourceWriter { return statuses{of: i} }

// statuses takes writes of statuses.
type statuses struct {
	client.SubResourceWriter
	of *informers
}

func (s statuses) Patch(_ context.Context, obj client.Object, _ client.Patch, _ ...client.SubResourcePatchOption) error {
	s.of.put(obj)
	return nil
}

// crowd is one Gateway with many routes on informers, and what the operator does of
// a reconciliation beside its fleet.
type crowd struct {
	*informers
	gateways *GatewayReconciler
	gateway  types.NamespacedName
	// work is that of the last look.
	work *work
}

func newCrowd(t testing.TB, routes int) *crowd {
	c := &crowd{informers: newInformers(), gateway: types.NamespacedName{Namespace: "tenant", Name: "gw"}}
	for _, obj := range append(base(), openGateway()) {
		c.put(obj)
	}
	for i := range routes {
		c.join(i)
	}
	scheme, err := cluster.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	c.scheme = scheme
	kinds := cluster.NewKinds(scheme)
	opts := Options{
		Client: c, Live: c, Reader: kinds.Only(cluster.NewReader(c, c, nil, time.Now)), Events: events.NewFakeRecorder(100),
		Metrics: metrics.New(prometheus.NewRegistry(), func() (all, answering int) { return 0, 0 }), Kinds: kinds, ControllerName: controllerName,
		Graph:     graph.Options{ControllerName: controllerName, ReservedPorts: provision.ReservedPorts()},
		Settings:  provision.Settings{ProxyImage: "proxy", SensorImage: "sensor", Sensor: provision.SensorFull, Replicas: 2},
		Translate: (*graph.Memory).Build, Now: time.Now,
	}
	c.gateways = newGatewayReconciler(opts, nil, newRouteReconcilers(opts), newPolicyReconcilers(opts), newParametersReconciler(opts), newDoorbell(0, time.Now))
	c.hear = hearing(c.gateways)
	return c
}

// openGateway takes routes and ListenerSets of all namespaces.
func openGateway() *gatewayv1.Gateway {
	gw := gateway("gw")
	all := gatewayv1.NamespacesFromAll
	gw.Spec.Listeners[0].AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &all}}
	gw.Spec.AllowedListeners = &gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{From: &all}}
	return gw
}

// crowdRoute names a route of a crowd; each hundred have a namespace.
func crowdRoute(i int) types.NamespacedName {
	return types.NamespacedName{Namespace: fmt.Sprintf("team-%03d", i/100), Name: fmt.Sprintf("route-%02d", i%100)}
}

// join adds a route with a Service of its own, and for each hundred a namespace.
func (c *crowd) join(i int) {
	name := crowdRoute(i)
	if i%100 == 0 {
		c.put(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name.Namespace}})
	}
	c.put(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	})
	c.move(i, 0)
	c.change(i, 0)
}

// move gives the endpoint of a route's Service another address.
func (c *crowd) move(i, generation int) {
	name := crowdRoute(i)
	c.put(&discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name + "-1", Labels: map[string]string{discoveryv1.LabelServiceName: name.Name}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: new(int32(8080))}},
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{fmt.Sprintf("10.%d.%d.%d", 1+generation%200, i/256, i%256)}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
		}},
	})
}

// change gives a route another spec.
func (c *crowd) change(i, generation int) {
	name := crowdRoute(i)
	r := route(name.Name, "gw")
	r.Namespace, r.Generation = name.Namespace, int64(generation)
	r.Spec.ParentRefs[0].Namespace = new(gatewayv1.Namespace("tenant"))
	r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(fmt.Sprintf("host-%05d.example.com", i))}
	good := &r.Spec.Rules[0]
	good.BackendRefs[0].Name = gatewayv1.ObjectName(name.Name)
	good.Matches = []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{
		Type: new(gatewayv1.PathMatchPathPrefix), Value: new(fmt.Sprintf("/%d", generation)),
	}}}
	good.Filters = []gatewayv1.HTTPRouteFilter{{
		Type:                  gatewayv1.HTTPRouteFilterRequestHeaderModifier,
		RequestHeaderModifier: &gatewayv1.HTTPHeaderFilter{Set: []gatewayv1.HTTPHeader{{Name: "x-number", Value: strconv.Itoa(i)}}, Remove: []string{"x-secret"}},
	}}
	bad := *good.DeepCopy()
	bad.BackendRefs[0].Name = "nowhere"
	r.Spec.Rules = append(r.Spec.Rules, bad)
	c.put(r)
}

// settle does what the statusWriters do.
func (c *crowd) settle() {
	for _, of := range c.gateways.routes {
		for key, wanted := range of.proposed {
			delete(of.proposed, key)
			live, there, _ := c.of(of.empty()).GetByKey(key.String())
			if !there {
				continue
			}
			if parents := of.merge(live.(client.Object), slices.Collect(maps.Values(wanted)), conditions.At(time.Now(), live.(client.Object))); parents != nil {
				after := live.(client.Object).DeepCopyObject().(client.Object)
				store.StatusOf(after).Parents = parents.([]gatewayv1.RouteParentStatus)
				c.put(after)
			}
		}
	}
}

// look goes the way from the objects to the stored parts and the statuses.
func (c *crowd) look(t testing.TB) delivery.ConfigResult {
	known, resources, err := c.gateways.collect(t.Context(), c.gateway)
	if err != nil {
		t.Fatal(err)
	}
	w := &work{
		GatewayReconciler: c.gateways, ctx: t.Context(), started: time.Now(), resources: resources, gateway: resources.Gateway, key: c.gateway, known: known,
	}
	if err := w.translate(c.gateways.opts.Settings, false); err != nil {
		t.Fatal(err)
	}
	owner := apply.Owner{NamespacedName: c.gateway, UID: resources.Gateway.UID}
	result, err := c.gateways.writer.Config(t.Context(), owner, "gw-config", &w.plan.config, w.plan.edition)
	if err != nil {
		t.Fatal(err)
	}
	c.work = w
	w.observed = status.Observed{Hash: result.Hash, Ready: 1, Serving: 1}
	w.tellCulprits()
	set := w.known.statuses.Build(w.plan.graph, w.observed)
	w.reportRoutes(set.Routes)
	if _, err := w.reportSets(set.ListenerSets); err != nil {
		t.Fatal(err)
	}
	return result
}

// breakRoutes has each translation of the rules of these routes panic, with a text.
func (c *crowd) breakRoutes(broken map[int]string) {
	c.gateways.opts.Translate = func(known *graph.Memory, in *store.Resources, opts graph.Options) *graph.Graph {
		for i, text := range broken {
			if route := in.HTTPRoutes[crowdRoute(i)]; route != nil && len(route.Spec.Rules[0].BackendRefs) > 0 {
				panic(text)
			}
		}
		return known.Build(in, opts)
	}
}

// settledCrowd is a crowd whose routes have their statuses.
func settledCrowd(t testing.TB, routes int) *crowd {
	c := newCrowd(t, routes)
	for range 3 {
		c.look(t)
		c.settle()
	}
	return c
}

// What a change of one route reads, makes and writes does not depend on how many others
// there are.
func TestOneChangeCostsTheSameAmongManyRoutes(t *testing.T) {
	type cost struct{ read, encoded, parts, proposed int }
	measure := func(routes int) (cost, float64) {
		c := settledCrowd(t, routes)
		generation := 0
		change := func() (of cost) {
			generation++
			c.change(routes/2, generation)
			c.read = 0
			result := c.look(t)
			of = cost{c.read, result.Encoded, result.Parts, len(c.gateways.routes["HTTPRoute"].proposed)}
			c.settle()
			return of
		}
		of := change()
		return of, testing.AllocsPerRun(5, func() { change() })
	}
	few, fewAllocations := measure(300)
	many, manyAllocations := measure(1500)
	if few != many {
		t.Errorf("among few routes a change costs %+v, among many %+v", few, many)
	}
	if few.encoded != 0 || few.parts != 0 || few.proposed != 1 {
		t.Errorf("a change of one route costs %+v", few)
	}
	if manyAllocations > 1.5*fewAllocations {
		t.Errorf("%v allocations among few routes, %v among many", fewAllocations, manyAllocations)
	}
}

// BenchmarkChange is what a change of one route, or of one endpoint, costs the operator
// from the objects in its caches to the parts that it writes and the statuses that it
// compares.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{1, 100, 2000, 5000} {
		b.Run("route of "+strconv.Itoa(n), func(b *testing.B) { benchmarkChange(b, settledCrowd(b, n), n, (*crowd).change) })
		b.Run("endpoint of "+strconv.Itoa(n), func(b *testing.B) { benchmarkChange(b, settledCrowd(b, n), n, (*crowd).move) })
	}
	b.Run("panicking route of 5000", func(b *testing.B) {
		c := settledCrowd(b, 5000)
		c.breakRoutes(map[int]string{17: "a bug"})
		for i := 0; b.Loop(); i++ {
			c.change(17, i+1)
			c.look(b)
			c.settle()
		}
	})
	for _, n := range []int{100, 2500} {
		b.Run("route of "+strconv.Itoa(n)+" sets", func(b *testing.B) {
			benchmarkChange(b, settledTenants(b, n), n*routesPerSet, (*crowd).changeInSet)
		})
	}
}

func benchmarkChange(b *testing.B, c *crowd, routes int, change func(c *crowd, i, generation int)) {
	b.ReportAllocs()
	bytes := 0
	for i := 2; b.Loop(); i++ {
		// Another one each time, as what changed lately lies in the index.
		change(c, i*7%routes, i)
		bytes += c.look(b).Bytes
		c.settle()
	}
	b.ReportMetric(float64(bytes)/float64(b.N), "written-bytes")
}
