package store_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

func tcpRoute(namespace, name string, parent gatewayv1.ParentReference, service types.NamespacedName) *gatewayv1.TCPRoute {
	r := &gatewayv1.TCPRoute{ObjectMeta: meta(namespace, name)}
	r.Spec.ParentRefs = []gatewayv1.ParentReference{parent}
	r.Spec.Rules = []gatewayv1.TCPRouteRule{{BackendRefs: []gatewayv1.BackendRef{{BackendObjectReference: gatewayv1.BackendObjectReference{
		Namespace: new(gatewayv1.Namespace(service.Namespace)), Name: gatewayv1.ObjectName(service.Name),
	}}}}}
	return r
}

func ofSet(set types.NamespacedName) gatewayv1.ParentReference {
	ref := parent(set)
	ref.Kind = new(gatewayv1.Kind("ListenerSet"))
	return ref
}

func listenerSet(namespace, name string, gateway types.NamespacedName, secret types.NamespacedName) *gatewayv1.ListenerSet {
	set := &gatewayv1.ListenerSet{ObjectMeta: meta(namespace, name)}
	set.Spec.ParentRef = gatewayv1.ParentGatewayReference{
		Namespace: new(gatewayv1.Namespace(gateway.Namespace)), Name: gatewayv1.ObjectName(gateway.Name),
	}
	set.Spec.Listeners = []gatewayv1.ListenerEntry{{TLS: &gatewayv1.ListenerTLSConfig{
		CertificateRefs: []gatewayv1.SecretObjectReference{{
			Namespace: new(gatewayv1.Namespace(secret.Namespace)), Name: gatewayv1.ObjectName(secret.Name),
		}},
	}}}
	return set
}

// layers is a Gateway with a TCPRoute, and a ListenerSet of another namespace
// with one of its own; both routes have the name of an HTTPRoute.
func layers() []client.Object {
	gw := gateway("a", "gw", "fleetgate")
	ca := func(namespace *gatewayv1.Namespace, name string) *gatewayv1.FrontendTLSValidation {
		return &gatewayv1.FrontendTLSValidation{CACertificateRefs: []gatewayv1.ObjectReference{
			{Kind: "ConfigMap", Namespace: namespace, Name: gatewayv1.ObjectName(name)},
			{Kind: "Secret", Name: "no-config-map"},
		}}
	}
	gw.Spec.TLS = &gatewayv1.GatewayTLSConfig{Frontend: &gatewayv1.FrontendTLSConfig{
		Default: gatewayv1.TLSConfig{Validation: ca(nil, "clients")},
		PerPort: []gatewayv1.TLSPortConfig{{Port: 443, TLS: gatewayv1.TLSConfig{Validation: ca(new(gatewayv1.Namespace("vault")), "clients")}}},
	}}
	return []client.Object{
		class("fleetgate", controllerName), gw,
		&corev1.ConfigMap{ObjectMeta: meta("a", "clients")},
		&corev1.ConfigMap{ObjectMeta: meta("b", "unrelated")},
		listenerSet("b", "set", key("a", "gw"), key("vault", "cert")),
		&corev1.Secret{ObjectMeta: meta("vault", "cert")},
		route("a", "web", key("a", "gw"), key("a", "web")),
		tcpRoute("a", "web", parent(key("a", "gw")), key("db", "pg")),
		tcpRoute("c", "web", ofSet(key("b", "set")), key("c", "pg")),
		tcpRoute("c", "elsewhere", ofSet(key("b", "other")), key("c", "pg")),
		service("db", "pg"), service("c", "pg"), endpoints("c", "pg-1", "pg"),
		&gatewayv1.ReferenceGrant{ObjectMeta: meta("db", "from-routes")},
		&gatewayv1.ReferenceGrant{ObjectMeta: meta("vault", "from-sets")},
		namespace("a"), namespace("b"), namespace("c"), namespace("d"),
	}
}

func TestCollectBelowHTTP(t *testing.T) {
	got, err := store.Collect(t.Context(), reader(t, layers()...), key("a", "gw"), controllerName)
	if err != nil {
		t.Fatal(err)
	}
	want := contents{
		Class: "fleetgate", Gateway: "a/gw",
		Routes:     []string{"a/web"},
		Grants:     []string{"db/from-routes", "vault/from-sets"},
		Namespaces: []string{"a", "b", "c"},
		Services:   []string{"c/pg", "db/pg"},
		Slices:     []string{"c/pg: pg-1"},
		Secrets:    []string{"vault/cert"},
	}
	if diff := cmp.Diff(want, list(got)); diff != "" {
		t.Error(diff)
	}
	var routes []string
	for key := range got.L4Routes {
		routes = append(routes, key.Kind+" "+key.String())
	}
	slices.Sort(routes)
	if diff := cmp.Diff([]string{"TCPRoute a/web", "TCPRoute c/web"}, routes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b/set"}, names(got.ListenerSets)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a/clients"}, names(got.ConfigMaps)); diff != "" {
		t.Error(diff)
	}
	if n := len(maps.Collect(got.Routes())); n != 3 {
		t.Errorf("%d routes of all kinds", n)
	}
}

func TestGatewaysForWhatIsBelowHTTP(t *testing.T) {
	configMap := &metav1.PartialObjectMetadata{ObjectMeta: meta("vault", "clients")}
	configMap.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	tests := []struct {
		name string
		obj  client.Object
		want []string
	}{
		{"a TCPRoute leads to its Gateway", tcpRoute("x", "new", parent(key("a", "gw")), key("x", "y")), []string{"a/gw"}},
		{"and to that of its ListenerSet", tcpRoute("x", "new", ofSet(key("b", "set")), key("x", "y")), []string{"a/gw"}},
		{"to none by a ListenerSet that is missing", tcpRoute("x", "new", ofSet(key("b", "missing")), key("x", "y")), nil},
		{"a ListenerSet leads to its Gateway", listenerSet("x", "new", key("a", "gw"), key("x", "y")), []string{"a/gw"}},
		{"a Service leads by routes of any kind", service("db", "pg"), []string{"a/gw"}},
		{"and by those of ListenerSets", service("c", "pg"), []string{"a/gw"}},
		{"a Secret leads by ListenerSets", &corev1.Secret{ObjectMeta: meta("vault", "cert")}, []string{"a/gw"}},
		{"a grant by whoever refers into its namespace", &gatewayv1.ReferenceGrant{ObjectMeta: meta("db", "x")}, []string{"a/gw"}},
		{"a namespace by its ListenerSets", namespace("b"), []string{"a/gw"}},
		{"a namespace that has nothing leads nowhere", namespace("d"), nil},
		{"a ConfigMap leads to who trusts it", &corev1.ConfigMap{ObjectMeta: meta("a", "clients")}, []string{"a/gw"}},
		{"known by metadata alone, too", configMap, []string{"a/gw"}},
		{"any other leads nowhere", &corev1.ConfigMap{ObjectMeta: meta("b", "unrelated")}, nil},
	}
	r := reader(t, layers()...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkGatewaysFor(t, r, tt.obj, tt.want) })
	}
}

// What a route reports of a ListenerSet is found when the ListenerSet is gone.
func TestReportingListenerSet(t *testing.T) {
	entry := func(name, controller string, ref gatewayv1.ParentReference) *gatewayv1.TCPRoute {
		r := tcpRoute("a", name, ref, key("a", "pg"))
		r.Status.Parents = []gatewayv1.RouteParentStatus{{
			ParentRef: ref, ControllerName: gatewayv1.GatewayController(controller), Conditions: []metav1.Condition{},
		}}
		return r
	}
	gone := key("a", "gone")
	r := reader(t,
		entry("ours", controllerName, ofSet(gone)),
		entry("theirs", "example.com/other", ofSet(gone)),
		entry("of-a-gateway-of-that-name", controllerName, parent(gone)),
	)
	routes, err := store.ReportingListenerSet(t.Context(), r, gone, controllerName)
	if err != nil || len(routes) != 1 || routes[0].GetName() != "ours" {
		t.Errorf("got %v, %v", routes, err)
	}
	routes, err = store.Reporting(t.Context(), r, gone, controllerName)
	if err != nil || len(routes) != 1 || routes[0].GetName() != "of-a-gateway-of-that-name" {
		t.Errorf("got %v, %v", routes, err)
	}
}
