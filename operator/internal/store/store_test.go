package store_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

const controllerName = "fleetgate.io/gateway-controller"

func reader(t *testing.T, objects ...client.Object) client.Reader {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, gatewayv1.Install, gatewayxv1alpha1.Install, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	b := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...)
	for _, index := range store.Indexes() {
		b = b.WithIndex(index.Object, index.Name, index.Values)
	}
	return b.Build()
}

func key(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func class(name, controller string) *gatewayv1.GatewayClass {
	return &gatewayv1.GatewayClass{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       gatewayv1.GatewayClassSpec{ControllerName: gatewayv1.GatewayController(controller)},
	}
}

// gateway has one HTTPS listener for each Secret.
func gateway(namespace, name, class string, secrets ...types.NamespacedName) *gatewayv1.Gateway {
	gw := &gatewayv1.Gateway{ObjectMeta: meta(namespace, name)}
	gw.Spec.GatewayClassName = gatewayv1.ObjectName(class)
	for _, secret := range secrets {
		gw.Spec.Listeners = append(gw.Spec.Listeners, gatewayv1.Listener{TLS: &gatewayv1.ListenerTLSConfig{
			CertificateRefs: []gatewayv1.SecretObjectReference{{
				Namespace: new(gatewayv1.Namespace(secret.Namespace)), Name: gatewayv1.ObjectName(secret.Name),
			}},
		}})
	}
	return gw
}

func parent(gateway types.NamespacedName) gatewayv1.ParentReference {
	return gatewayv1.ParentReference{
		Namespace: new(gatewayv1.Namespace(gateway.Namespace)), Name: gatewayv1.ObjectName(gateway.Name),
	}
}

// route sends requests that come by the Gateway to the Services.
func route(namespace, name string, gateway types.NamespacedName, services ...types.NamespacedName) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{ObjectMeta: meta(namespace, name)}
	if gateway.Name != "" {
		r.Spec.ParentRefs = []gatewayv1.ParentReference{parent(gateway)}
	}
	rule := gatewayv1.HTTPRouteRule{}
	for _, service := range services {
		rule.BackendRefs = append(rule.BackendRefs, gatewayv1.HTTPBackendRef{BackendRef: gatewayv1.BackendRef{
			BackendObjectReference: gatewayv1.BackendObjectReference{
				Namespace: new(gatewayv1.Namespace(service.Namespace)), Name: gatewayv1.ObjectName(service.Name),
			},
		}})
	}
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{rule}
	return r
}

func reporting(r *gatewayv1.HTTPRoute, gateway types.NamespacedName, controller string) *gatewayv1.HTTPRoute {
	r.Status.Parents = append(r.Status.Parents, gatewayv1.RouteParentStatus{
		ParentRef: parent(gateway), ControllerName: gatewayv1.GatewayController(controller), Conditions: []metav1.Condition{},
	})
	return r
}

func service(namespace, name string) *corev1.Service {
	return &corev1.Service{ObjectMeta: meta(namespace, name)}
}

func endpoints(namespace, name, service string) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{ObjectMeta: meta(namespace, name), AddressType: discoveryv1.AddressTypeIPv4}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	return slice
}

func namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// Two tenants whose objects share every name: what is collected for one never
// holds anything of the other.
func tenants() []client.Object {
	objects := []client.Object{
		class("fleetgate", controllerName), class("other", "example.com/other"),
		namespace("a"), namespace("b"), namespace("shared"),
		service("shared", "api"), endpoints("shared", "api-1", "api"),
		&gatewayv1.ReferenceGrant{ObjectMeta: meta("shared", "b")},
		&gatewayv1.ReferenceGrant{ObjectMeta: meta("shared", "a")},
		&gatewayv1.ReferenceGrant{ObjectMeta: meta("a", "unrelated")},
		gateway("a", "foreign-class", "other", key("a", "cert")),
	}
	for _, ns := range []string{"a", "b"} {
		objects = append(objects,
			gateway(ns, "gw", "fleetgate", key(ns, "cert")),
			route(ns, "web", key(ns, "gw"), key(ns, "web"), key(ns, "missing")),
			service(ns, "web"), service(ns, "unused"),
			endpoints(ns, "web-2", "web"), endpoints(ns, "web-1", "web"), endpoints(ns, "unused-1", "unused"),
			&corev1.Secret{ObjectMeta: meta(ns, "cert")}, &corev1.Secret{ObjectMeta: meta(ns, "unused")},
		)
	}
	return append(objects, route("a", "api", key("a", "gw"), key("shared", "api")),
		route("b", "guest", key("a", "gw")), reporting(route("b", "gone", key("b", "gw")), key("a", "gw"), controllerName))
}

func TestCollect(t *testing.T) {
	got, err := store.Collect(t.Context(), reader(t, tenants()...), key("a", "gw"), controllerName)
	if err != nil {
		t.Fatal(err)
	}
	want := contents{
		Class: "fleetgate", Gateway: "a/gw",
		Routes:     []string{"a/api", "a/web", "b/guest"},
		Grants:     []string{"shared/a", "shared/b"},
		Namespaces: []string{"a", "b"},
		Services:   []string{"a/web", "shared/api"},
		Slices:     []string{"a/web: web-1 web-2", "shared/api: api-1"},
		Secrets:    []string{"a/cert"},
	}
	if diff := cmp.Diff(want, list(got)); diff != "" {
		t.Error(diff)
	}
}

func TestCollectWithoutClass(t *testing.T) {
	objects := append(tenants(), gateway("a", "no-class", "missing"))
	for _, name := range []string{"foreign-class", "no-class"} {
		got, err := store.Collect(t.Context(), reader(t, objects...), key("a", name), controllerName)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(contents{Gateway: "a/" + name}, list(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestCollectMissingGateway(t *testing.T) {
	got, err := store.Collect(t.Context(), reader(t, tenants()...), key("a", "nothing"), controllerName)
	if got != nil || err != nil {
		t.Errorf("got %v, %v; want nothing", got, err)
	}
}

// contents lists the names of what Resources hold.
type contents struct {
	Class, Gateway                                        string
	Routes, Grants, Namespaces, Services, Slices, Secrets []string
}

func list(r *store.Resources) contents {
	c := contents{Gateway: r.Gateway.Namespace + "/" + r.Gateway.Name}
	if r.Class != nil {
		c.Class = r.Class.Name
	}
	for _, grant := range r.Grants {
		c.Grants = append(c.Grants, grant.Namespace+"/"+grant.Name)
	}
	for name := range r.Namespaces {
		c.Namespaces = append(c.Namespaces, name)
	}
	for service, all := range r.EndpointSlices {
		line := service.String() + ":"
		for _, slice := range all {
			line += " " + slice.Name
		}
		c.Slices = append(c.Slices, line)
	}
	c.Routes, c.Services, c.Secrets = names(r.HTTPRoutes), names(r.Services), names(r.Secrets)
	slices.Sort(c.Namespaces)
	slices.Sort(c.Slices)
	return c
}

func names[T any](m map[types.NamespacedName]T) []string {
	var out []string
	for key := range m {
		out = append(out, key.String())
	}
	slices.Sort(out)
	return out
}

func TestGatewaysFor(t *testing.T) {
	secret := &metav1.PartialObjectMetadata{ObjectMeta: meta("b", "cert")}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	tests := []struct {
		name string
		obj  client.Object
		want []string
	}{
		{"a Gateway is its own", gateway("x", "new", "fleetgate"), []string{"x/new"}},
		{"a class leads to its Gateways", class("fleetgate", ""), []string{"a/gw", "b/gw"}},
		{"a route leads to its parents", route("b", "new", key("a", "gw")), []string{"a/gw"}},
		{"and to those in its status", reporting(route("b", "old", key("b", "gw")), key("a", "gw"), "any"), []string{"a/gw", "b/gw"}},
		{"a Service leads by routes", service("shared", "api"), []string{"a/gw"}},
		{"one that was missing, too", service("b", "missing"), []string{"b/gw"}},
		{"one that nobody names leads nowhere", service("a", "unused"), nil},
		{"endpoints lead by their Service", endpoints("b", "web-9", "web"), []string{"b/gw"}},
		{"those of the API servers lead everywhere", endpoints("default", "kubernetes", "kubernetes"), []string{"a/foreign-class", "a/gw", "b/gw"}},
		{"others of that name do not", endpoints("b", "kubernetes", "kubernetes"), nil},
		{"endpoints without a Service lead nowhere", endpoints("b", "web-9", ""), nil},
		{"a grant leads to those who refer into its namespace", &gatewayv1.ReferenceGrant{ObjectMeta: meta("shared", "x")}, []string{"a/gw"}},
		{"a namespace leads to its Gateways and its routes'", namespace("b"), []string{"a/gw", "b/gw"}},
		{"a Secret leads to the listeners that name it", &corev1.Secret{ObjectMeta: meta("a", "cert")}, []string{"a/foreign-class", "a/gw"}},
		{"known by metadata alone, too", secret, []string{"b/gw"}},
	}
	r := reader(t, tenants()...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkGatewaysFor(t, r, tt.obj, tt.want) })
	}
}

// checkGatewaysFor compares the sorted names of the Gateways that an object
// leads to.
func checkGatewaysFor(t *testing.T, r client.Reader, obj client.Object, want []string) {
	t.Helper()
	keys, err := store.GatewaysFor(t.Context(), r, obj)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, key := range keys {
		got = append(got, key.String())
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGatewaysForUnknownKind(t *testing.T) {
	if _, err := store.GatewaysFor(t.Context(), reader(t), &corev1.Pod{}); err == nil {
		t.Error("a Pod led to a Gateway without an error")
	}
}

func TestDetached(t *testing.T) {
	gone := key("a", "gw")
	r := reader(t, append(tenants(),
		reporting(route("a", "left", key("a", "other")), gone, controllerName),
		reporting(route("a", "without-parents", types.NamespacedName{}), gone, controllerName),
		reporting(route("a", "attached", gone), gone, controllerName),
		reporting(route("a", "of-another-controller", key("a", "other")), gone, "example.com/other"),
		reporting(route("b", "of-another-gateway", key("a", "other")), key("b", "gw"), controllerName),
	)...)
	resources, err := store.Collect(t.Context(), r, gone, controllerName)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range resources.Detached {
		got = append(got, r.GetName())
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"gone", "left", "without-parents"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCollectKnowsTheAPIServers(t *testing.T) {
	for _, tt := range []struct {
		with []client.Object
		want bool
	}{
		{nil, false},
		{[]client.Object{endpoints("a", "kubernetes", "kubernetes")}, false},
		{[]client.Object{endpoints("default", "kubernetes", "kubernetes")}, true},
	} {
		got, err := store.Collect(t.Context(), reader(t, append(tenants(), tt.with...)...), key("a", "gw"), controllerName)
		if err != nil {
			t.Fatal(err)
		}
		if (got.APIServers != nil) != tt.want {
			t.Errorf("with %d slices got %v", len(tt.with), got.APIServers)
		}
	}
}
