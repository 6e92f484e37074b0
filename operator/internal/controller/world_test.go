package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/metrics"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

const controllerName = "fleetgate.io/gateway-controller"

// world is the controllers on a fake API server, with a clock that only the
// test moves. Requests to the controllers are the test's.
type world struct {
	t      *testing.T
	client client.WithWatch
	// plain is the API server of whoever is not the operator.
	plain    client.WithWatch
	recorder *events.FakeRecorder
	gateways *GatewayReconciler
	routes   routeReconcilers
	policies policyReconcilers
	// parameters write the status of GatewayParameters.
	parameters *ParametersReconciler
	sets       *ListenerSetReconciler
	classes    *ClassReconciler
	kinds      *cluster.Kinds

	mu     sync.Mutex
	now    time.Time
	writes []string
	// panics has the translation of a Gateway panic.
	panics map[types.NamespacedName]bool
	// breaks has the translation panic of whatever has an object for which it says so.
	breaks func(client.Object) bool
	// workload, if not nil, is what the parameters of every Gateway say of it.
	workload *v1alpha1.WorkloadParameters
	// invalid has the API server refuse what is created of a kind.
	invalid string
	// prunes has the API server drop the routability of addresses.
	prunes bool
	// racing is called once, before the next write of a status.
	racing func()
	// port is the admin port of the proxies, which nobody answers on by default.
	port int
	// cache, if not nil, is what the operator reads instead of the API server.
	cache *lateCache
	// hold is how long the configuration of a fleet without proxies may wait.
	hold time.Duration
	// patience is how long the proxies may take to answer, of real time; zero for what is
	// usual.
	patience time.Duration
	// process, if not nil, makes the calls of the API server, or is gone.
	process func(write bool, call func() error) error
	// calls has process called once at a time.
	calls sync.Mutex
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	w := &world{t: t, now: time.Unix(1e9, 0), port: 1, recorder: events.NewFakeRecorder(100), panics: make(map[types.NamespacedName]bool)}
	scheme, err := cluster.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	w.client = w.fakeClient(scheme, append(base(), objects...))
	w.kinds = cluster.NewKinds(scheme, optionalGroupKinds()...)
	for _, kind := range optionalGroupKinds() {
		w.kinds.Set(kind, kind != serviceMonitor)
	}
	w.boot()
	return w
}

// boot starts the process that has the controllers, which knows nothing of an earlier
// one.
func (w *world) boot() {
	w.t.Helper()
	tracker := proxies.New(proxies.Options{Changed: func(types.NamespacedName) {}, Port: w.port, Patience: w.patience, Log: logr.Discard()})
	w.t.Cleanup(tracker.Stop)
	var cached client.Client = w.client
	if w.cache != nil {
		cached = w.cache
	}
	opts := Options{
		Client: cached, Live: w.client, Reader: w.kinds.Only(cluster.NewReader(cached, w.client, nil, w.clock)), Events: w.recorder,
		Metrics: metrics.New(prometheus.NewRegistry(), tracker.Reporting), Kinds: w.kinds, ControllerName: controllerName,
		Graph: graph.Options{ControllerName: controllerName, ReservedPorts: provision.ReservedPorts()},
		Settings: provision.Settings{
			ProxyImage: "proxy", SensorImage: "sensor", Sensor: provision.SensorAuto, Replicas: 2, OperatorNamespace: "fleetgate-system",
		},
		Translate: w.translate, Hold: w.hold, Now: w.clock,
	}
	w.routes = newRouteReconcilers(opts)
	w.policies = newPolicyReconcilers(opts)
	w.parameters = newParametersReconciler(opts)
	w.gateways = newGatewayReconciler(opts, tracker, w.routes, w.policies, w.parameters, newDoorbell(reportPause, w.clock))
	w.classes = newClassReconciler(opts)
	w.sets = &ListenerSetReconciler{opts: opts, routes: w.routes}
}

func base() []client.Object {
	crd := cluster.CRDMetadata()
	crd.Name = gatewayCRD
	crd.Annotations = map[string]string{"gateway.networking.k8s.io/bundle-version": "v1.7.0"}
	return []client.Object{
		crd, class("fleetgate", controllerName), class("other", "example.com/other"),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "tenant"}},
	}
}

// fakeClient notes every write, and gives what it creates a UID.
func (w *world) fakeClient(scheme *runtime.Scheme, objects []client.Object) client.WithWatch {
	b := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithReturnManagedFields().
		WithStatusSubresource(&gatewayv1.GatewayClass{}, &gatewayv1.Gateway{}, &gatewayv1.HTTPRoute{},
			&gatewayv1.TCPRoute{}, &gatewayv1.TLSRoute{}, &gatewayv1.UDPRoute{}, &gatewayv1.ListenerSet{},
			&gatewayv1.GRPCRoute{}, &gatewayv1.BackendTLSPolicy{}, &gatewayxv1alpha1.XBackendTrafficPolicy{},
			&gatewayxv1alpha1.XBackend{}, &gatewayxv1alpha1.XTelemetryPolicy{}, &v1alpha1.GatewayParameters{})
	for _, index := range store.Indexes() {
		b = b.WithIndex(index.Object, index.Name, index.Values)
	}
	w.plain = b.Build()
	return interceptor.NewClient(w.plain, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			return w.call(false, func() error { return c.Get(ctx, key, obj, opts...) })
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			return w.call(false, func() error { return c.List(ctx, list, opts...) })
		},
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			w.wrote("create", obj)
			if kind := obj.GetObjectKind().GroupVersionKind().GroupKind(); w.invalid != "" && kind.Kind == w.invalid {
				return apierrors.NewInvalid(kind, obj.GetName(), field.ErrorList{field.Invalid(field.NewPath("spec", "minReplicas"), 3, "is more than maxReplicas")})
			}
			err := w.call(true, func() error { return c.Create(ctx, obj, opts...) })
			w.heard(obj)
			return err
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			w.wrote("update", obj)
			return w.around(ctx, obj, func() error { return c.Update(ctx, obj, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			w.wrote("patch", obj)
			return w.around(ctx, obj, func() error { return c.Patch(ctx, obj, patch, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			w.wrote("delete", obj)
			return w.around(ctx, obj, func() error { return c.Delete(ctx, obj, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if race := w.racing; race != nil {
				w.racing = nil
				race()
			}
			w.wrote(sub, obj)
			w.prune(obj)
			return w.around(ctx, obj, func() error { return c.SubResource(sub).Patch(ctx, obj, patch, opts...) })
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			return w.around(ctx, obj, func() error { return c.SubResource(sub).Update(ctx, obj, opts...) })
		},
	})
}

func (w *world) call(write bool, call func() error) error {
	if w.process != nil {
		w.calls.Lock()
		defer w.calls.Unlock()
		return w.process(write, call)
	}
	return call()
}

// around has the controllers hear of the states of an object before and after a write.
func (w *world) around(ctx context.Context, obj client.Object, write func() error) error {
	before := w.whole(obj)
	gone := w.client.Get(ctx, client.ObjectKeyFromObject(obj), before)
	err := w.call(true, write)
	if gone == nil {
		w.heard(before)
	}
	after := w.whole(obj)
	if w.client.Get(ctx, client.ObjectKeyFromObject(obj), after) == nil {
		w.heard(after)
	}
	return err
}

// whole is an object of the kind of one that is written. Of some the answer to a write is
// the metadata, but who watches hears of all.
func (w *world) whole(obj client.Object) client.Object {
	if _, metadata := obj.(*metav1.PartialObjectMetadata); metadata {
		whole, err := w.plain.Scheme().New(obj.GetObjectKind().GroupVersionKind())
		w.must(err)
		return whole.(client.Object)
	}
	return obj.DeepCopyObject().(client.Object)
}

func (w *world) heard(obj client.Object) {
	if w.gateways != nil && w.cache == nil {
		heard(w.gateways, obj)
	}
}

// prune does what an API server does whose CRD of Gateways lacks a field.
func (w *world) prune(obj client.Object) {
	if gw, is := obj.(*gatewayv1.Gateway); is && w.prunes {
		gw.Status.Addresses = slices.Clone(gw.Status.Addresses)
		for i := range gw.Status.Addresses {
			gw.Status.Addresses[i].Routability = nil
		}
	}
}

func (w *world) wrote(verb string, obj client.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, verb+" "+obj.GetName())
}

// take returns the writes since it was called last.
func (w *world) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	writes := w.writes
	w.writes = nil
	slices.Sort(writes)
	return writes
}

func (w *world) clock() time.Time { return w.now }

func (w *world) translate(known *graph.Memory, in *store.Resources, opts graph.Options) *graph.Graph {
	if w.panics[client.ObjectKeyFromObject(in.Gateway)] {
		panic("a bug")
	}
	for _, route := range in.Routes() {
		if w.breaks != nil && w.breaks(route) {
			panic("a bug with a route")
		}
	}
	for key, object := range in.Others() {
		if _, broken := in.Broken[key]; !broken && w.breaks != nil && w.breaks(object) {
			panic("a bug with an object")
		}
	}
	g := known.Build(in, opts)
	if w.workload != nil {
		g.Gateway.Parameters.Spec.Workload = w.workload
	}
	return g
}

// look reconciles a Gateway, and all routes for which that proposed something.
func (w *world) look(name string) reconcile.Result {
	w.t.Helper()
	result, err := w.gateways.Reconcile(w.t.Context(), request("tenant", name))
	if err != nil {
		w.t.Fatal(err)
	}
	w.lookAtRoutes()
	w.lookAtPolicies()
	return result
}

// lookTwice is look, and again when what waits is due.
func (w *world) lookTwice(name string) reconcile.Result {
	w.t.Helper()
	w.now = w.now.Add(min(w.look(name).RequeueAfter, longestPause))
	return w.look(name)
}

func (w *world) lookAtRoutes() {
	w.t.Helper()
	for _, of := range w.routes {
		for _, key := range slices.Collect(maps.Keys(of.proposed)) {
			if _, err := of.Reconcile(w.t.Context(), reconcile.Request{NamespacedName: key}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func (w *world) lookAtPolicies() {
	w.t.Helper()
	for _, of := range w.policies {
		for _, key := range slices.Collect(maps.Keys(of.proposed)) {
			if _, err := of.Reconcile(w.t.Context(), reconcile.Request{NamespacedName: key}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// pending counts the routes for which something is proposed.
func (w *world) pending() int {
	n := 0
	for _, of := range w.routes {
		n += len(of.proposed)
	}
	return n
}

func request(namespace, name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

// get reads an object of the tenant; nil when it does not exist.
func get[T client.Object](w *world, name string, into T) T {
	w.t.Helper()
	key := types.NamespacedName{Namespace: "tenant", Name: name}
	if err := w.client.Get(w.t.Context(), key, into); err != nil {
		w.t.Fatalf("reading %T %s: %v", into, name, err)
	}
	return into
}

func (w *world) exists(name string, obj client.Object) bool {
	w.t.Helper()
	err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: "tenant", Name: name}, obj)
	if client.IgnoreNotFound(err) != nil {
		w.t.Fatal(err)
	}
	return err == nil
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// condition returns "status reason" of a Gateway's condition.
func (w *world) condition(gateway, typ string) string {
	w.t.Helper()
	c := conditions.Find(get(w, gateway, &gatewayv1.Gateway{}).Status.Conditions, typ)
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s %s", c.Status, c.Reason)
}

// parents lists whose entries a route's status has.
func (w *world) parents(route string) []string {
	w.t.Helper()
	return parentsOf(get(w, route, &gatewayv1.HTTPRoute{}))
}

func parentsOf(route store.Route) []string {
	var list []string
	for _, parent := range store.StatusOf(route).Parents {
		list = append(list, fmt.Sprintf("%s of %s", parent.ParentRef.Name, parent.ControllerName))
	}
	return list
}

// event returns the only Event since the last call, or "".
func (w *world) event() string {
	w.t.Helper()
	select {
	case event := <-w.recorder.Events:
		if len(w.recorder.Events) > 0 {
			w.t.Errorf("and %d more events", len(w.recorder.Events))
		}
		return event
	default:
		return ""
	}
}

func class(name, controller string) *gatewayv1.GatewayClass {
	return &gatewayv1.GatewayClass{
		ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 1},
		Spec:       gatewayv1.GatewayClassSpec{ControllerName: gatewayv1.GatewayController(controller)},
	}
}

func gateway(name string) *gatewayv1.Gateway {
	return &gatewayv1.Gateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, UID: types.UID("uid-" + name), Generation: 1},
		Spec: gatewayv1.GatewaySpec{
			GatewayClassName: "fleetgate",
			Listeners:        []gatewayv1.Listener{{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType}},
		},
	}
}

func route(name string, gateways ...string) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, Generation: 1}}
	for _, gw := range gateways {
		r.Spec.ParentRefs = append(r.Spec.ParentRefs, gatewayv1.ParentReference{Name: gatewayv1.ObjectName(gw)})
	}
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{
		BackendObjectReference: gatewayv1.BackendObjectReference{Name: "web", Port: new(gatewayv1.PortNumber(80))},
	}}}}}
	return r
}

func fleet(gateway string) names.Fleet { return names.ForGateway(gateway, "fleetgate") }
