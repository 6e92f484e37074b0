package golden_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/render"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// TestMemoryChangesNothing changes one object after another, and translates each
// world with what was remembered of the one before and without.
func TestMemoryChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newDenseWorld()
		var r remembrance
		for range rapid.IntRange(1, 16).Draw(t, "changes") {
			in := w.resources()
			r.check(t, r.graph.Build(in, options()), graph.Build(in, options()))
			w.change(t)
		}
	})
}

// What did not change is taken over, rule by rule, when a route and an endpoint do.
func TestMemoryTakesOverWhatDidNotChange(t *testing.T) {
	w := newDenseWorld()
	var memory graph.Memory
	before := memory.Build(w.resources(), options())
	changed := types.NamespacedName{Namespace: "a", Name: "a"}
	w.putRoute(changed, "a", "b", 80, 7)
	w.putSlice(types.NamespacedName{Namespace: "b", Name: "b"}, 9)
	for i, now := range memory.Build(w.resources(), options()).Routes {
		led := now.Rules[0].Backends[0].Backend.Key.Service
		anew := now.Name == changed || led == types.NamespacedName{Namespace: "b", Name: "b"}
		if same := now.Rules[0] == before.Routes[i].Rules[0]; same == anew {
			t.Errorf("route %s was taken over: %v", now.Name, same)
		}
	}
}

// What a route does not share with others is taken over as a whole, and who has
// something of it can tell.
func TestMemoryTakesOverRoutesAsTheyAre(t *testing.T) {
	w := newDenseWorld()
	var r remembrance
	before := r.graph.Build(w.resources(), options())
	said := slices.Clone(r.statuses.Build(before, status.Observed{}).Routes)
	changed := types.NamespacedName{Namespace: "a", Name: "a"}
	w.touchGateway()
	w.putRoute(changed, "a", "a", 80, 7)
	w.putRoute(types.NamespacedName{Namespace: "c", Name: "new"}, "c", "new", 80, 1)
	delete(w.in.HTTPRoutes, types.NamespacedName{Namespace: "b", Name: "b"})
	old := map[types.NamespacedName]*graph.Route{}
	for _, route := range before.Routes {
		old[route.Name] = route
	}
	now := r.graph.Build(w.resources(), options())
	if len(now.Routes) != 4 {
		t.Fatalf("%d routes, want 4", len(now.Routes))
	}
	for i, route := range now.Routes {
		anew := route.Name == changed || route.Name.Namespace == "c"
		if same := route == old[route.Name]; same == anew {
			t.Errorf("route %s is the same: %v", route.Name, same)
		}
		spoken := r.statuses.Build(now, status.Observed{}).Routes[i]
		if same := slices.Contains(said, spoken); same == anew {
			t.Errorf("the status of route %s is the same: %v", route.Name, same)
		}
	}
}

// remembrance is all that is remembered of a Gateway.
type remembrance struct {
	graph    graph.Memory
	rules    render.Memory
	statuses status.Memory
}

func (r *remembrance) check(t *rapid.T, got, want *graph.Graph) {
	if diff := cmp.Diff(render.Config(want), r.rules.Config(got), cmpopts.IgnoreUnexported(proxyconfig.Config{})); diff != "" {
		t.Errorf("the configuration is another one (-want +got):\n%s", diff)
	}
	observed := status.Observed{Ready: 1, Serving: 1}
	if rapid.IntRange(0, 9).Draw(t, "refused") == 0 {
		observed.Refused = []proxyconfig.RefusedItem{{Kind: proxyconfig.KindRoute, RouteKind: "HTTPRoute", Name: "a/a", Reason: "why not"}}
	}
	if diff := cmp.Diff(status.Build(want, observed), r.statuses.Build(got, observed)); diff != "" {
		t.Errorf("the status is another one (-want +got):\n%s", diff)
	}
}

// denseWorld is small, and nearly everything in it has to do with everything else.
type denseWorld struct {
	in       store.Resources
	versions int
}

var denseNames = []types.NamespacedName{{Namespace: "a", Name: "a"}, {Namespace: "a", Name: "b"}, {Namespace: "b", Name: "a"}, {Namespace: "b", Name: "b"}}

func newDenseWorld() *denseWorld {
	w := &denseWorld{in: store.Resources{
		Class: &gatewayv1.GatewayClass{
			ObjectMeta: metav1.ObjectMeta{UID: "class", ResourceVersion: "1"}, Spec: gatewayv1.GatewayClassSpec{ControllerName: golden.ControllerName},
		},
		Namespaces:         map[string]*corev1.Namespace{},
		GRPCRoutes:         map[types.NamespacedName]*gatewayv1.GRPCRoute{},
		HTTPRoutes:         map[types.NamespacedName]*gatewayv1.HTTPRoute{},
		Services:           map[types.NamespacedName]*corev1.Service{},
		EndpointSlices:     map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
		Secrets:            map[types.NamespacedName]*corev1.Secret{},
		ConfigMaps:         map[types.NamespacedName]*corev1.ConfigMap{},
		BackendTLSPolicies: map[types.NamespacedName]*gatewayv1.BackendTLSPolicy{},
		TrafficPolicies:    map[types.NamespacedName]*gatewayxv1alpha1.XBackendTrafficPolicy{},
	}}
	w.putGateway("")
	w.putGrant()
	for i, name := range denseNames {
		w.putService(name, 80, "")
		w.putSlice(name, i)
		w.putRoute(name, name.Namespace, name.Name, 80, 1)
	}
	return w
}

// resources are a copy, as what is collected is.
func (w *denseWorld) resources() *store.Resources {
	in := w.in
	in.HTTPRoutes = map[types.NamespacedName]*gatewayv1.HTTPRoute{}
	for name, route := range w.in.HTTPRoutes {
		shallow := *route
		in.HTTPRoutes[name] = &shallow
	}
	in.GRPCRoutes = maps.Clone(w.in.GRPCRoutes)
	in.Namespaces = map[string]*corev1.Namespace{}
	for name := range w.in.HTTPRoutes {
		if namespace := w.in.Namespaces[name.Namespace]; namespace != nil {
			in.Namespaces[name.Namespace] = namespace
		}
	}
	in.Services = maps.Clone(w.in.Services)
	in.EndpointSlices = maps.Clone(w.in.EndpointSlices)
	in.ConfigMaps = maps.Clone(w.in.ConfigMaps)
	in.BackendTLSPolicies = maps.Clone(w.in.BackendTLSPolicies)
	in.TrafficPolicies = maps.Clone(w.in.TrafficPolicies)
	return &in
}

// meta has a version that no other object has.
func (w *denseWorld) meta(name types.NamespacedName) metav1.ObjectMeta {
	w.versions++
	return metav1.ObjectMeta{
		Namespace: name.Namespace, Name: name.Name, UID: "uid", ResourceVersion: strconv.Itoa(w.versions), Generation: int64(w.versions),
	}
}

// touchGateway changes the Gateway's status alone.
func (w *denseWorld) touchGateway() {
	touched := *w.in.Gateway
	w.versions++
	touched.ResourceVersion = strconv.Itoa(w.versions)
	touched.Status.Conditions = []metav1.Condition{{Type: "Programmed", Status: programmed[w.versions%2], ObservedGeneration: touched.Generation}}
	w.in.Gateway = &touched
}

var programmed = [2]metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse}

// putNamespace gives a namespace a label, which the listener asks for or not.
func (w *denseWorld) putNamespace(name, team string) {
	namespace := &corev1.Namespace{ObjectMeta: w.meta(types.NamespacedName{Name: name})}
	namespace.Labels = map[string]string{"team": team}
	w.in.Namespaces[name] = namespace
}

func (w *denseWorld) putGRPC(name types.NamespacedName) {
	route := &gatewayv1.GRPCRoute{ObjectMeta: w.meta(name)}
	route.Spec.ParentRefs = []gatewayv1.ParentReference{{Namespace: new(gatewayv1.Namespace("a")), Name: "gateway"}}
	route.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(name.Name + ".example.com")}
	w.in.GRPCRoutes[name] = route
}

func (w *denseWorld) putGateway(hostname gatewayv1.Hostname) {
	w.putGatewayFor(hostname, gatewayv1.NamespacesFromAll)
}

func (w *denseWorld) putGatewayFor(hostname gatewayv1.Hostname, from gatewayv1.FromNamespaces) {
	listener := gatewayv1.Listener{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType,
		AllowedRoutes: &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{
			From: &from, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "shop"}},
		}}}
	if hostname != "" {
		listener.Hostname = &hostname
	}
	w.in.Gateway = &gatewayv1.Gateway{ObjectMeta: w.meta(types.NamespacedName{Namespace: "a", Name: "gateway"})}
	w.in.Gateway.Spec.Listeners = []gatewayv1.Listener{listener}
}

func (w *denseWorld) putRoute(name types.NamespacedName, namespace, service string, port int32, weight int32) {
	route := &gatewayv1.HTTPRoute{ObjectMeta: w.meta(name)}
	route.Spec.ParentRefs = []gatewayv1.ParentReference{{Namespace: new(gatewayv1.Namespace("a")), Name: "gateway"}}
	w.host(route, name.Name+".example.com")
	ref := gatewayv1.BackendObjectReference{Namespace: new(gatewayv1.Namespace(namespace)), Name: gatewayv1.ObjectName(service), Port: new(gatewayv1.PortNumber(port))}
	route.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: ref, Weight: &weight}}}}}
	w.in.HTTPRoutes[name] = route
}

// host gives a route a hostname, or none for the empty one.
func (w *denseWorld) host(route *gatewayv1.HTTPRoute, hostname string) {
	if route.Spec.Hostnames = nil; hostname != "" {
		route.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(hostname)}
	}
}

// moveRoute gives a route of the world another hostname.
func (w *denseWorld) moveRoute(name types.NamespacedName, hostname string) {
	if had := w.in.HTTPRoutes[name]; had != nil {
		moved := *had
		moved.ObjectMeta = w.meta(name)
		w.host(&moved, hostname)
		w.in.HTTPRoutes[name] = &moved
	}
}

func (w *denseWorld) putService(name types.NamespacedName, port int32, protocol string) {
	service := &corev1.Service{ObjectMeta: w.meta(name)}
	service.Spec.Ports = []corev1.ServicePort{{Name: "web", Port: port}}
	if protocol != "" {
		service.Spec.Ports[0].AppProtocol = &protocol
	}
	w.in.Services[name] = service
}

func (w *denseWorld) putSlice(name types.NamespacedName, number int) {
	w.in.EndpointSlices[name] = []*discoveryv1.EndpointSlice{{
		ObjectMeta: w.meta(name), AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{{Name: new("web"), Port: new(int32(8080))}},
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{fmt.Sprintf("10.0.0.%d", number+1)}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
		}},
	}}
}

func (w *denseWorld) putGrant() {
	grant := &gatewayv1.ReferenceGrant{ObjectMeta: w.meta(types.NamespacedName{Namespace: "b", Name: "grant"})}
	grant.Spec.From = []gatewayv1.ReferenceGrantFrom{{Group: gatewayv1.GroupName, Kind: "HTTPRoute", Namespace: "a"}}
	grant.Spec.To = []gatewayv1.ReferenceGrantTo{{Kind: "Service"}}
	w.in.Grants = []*gatewayv1.ReferenceGrant{grant}
}

func (w *denseWorld) putTrust(target types.NamespacedName) {
	name := types.NamespacedName{Namespace: target.Namespace, Name: "trust"}
	policy := &gatewayv1.BackendTLSPolicy{ObjectMeta: w.meta(name)}
	policy.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{
		LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: gatewayv1.ObjectName(target.Name)},
	}}
	policy.Spec.Validation.Hostname = "backend.example.com"
	policy.Spec.Validation.CACertificateRefs = []gatewayv1.LocalObjectReference{{Kind: "ConfigMap", Name: "authorities"}}
	w.in.BackendTLSPolicies[name] = policy
	w.putAuthorities(target.Namespace)
}

func (w *denseWorld) putAuthorities(namespace string) {
	name := types.NamespacedName{Namespace: namespace, Name: "authorities"}
	w.in.ConfigMaps[name] = &corev1.ConfigMap{ObjectMeta: w.meta(name), Data: authorities().Data}
}

func (w *denseWorld) putTraffic(target types.NamespacedName, percent int) {
	name := types.NamespacedName{Namespace: target.Namespace, Name: "traffic"}
	policy := &gatewayxv1alpha1.XBackendTrafficPolicy{ObjectMeta: w.meta(name)}
	policy.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReference{{Kind: "Service", Name: gatewayv1.ObjectName(target.Name)}}
	policy.Spec.RetryConstraint = &gatewayxv1alpha1.RetryConstraint{Budget: &gatewayxv1alpha1.BudgetDetails{Percent: &percent}}
	w.in.TrafficPolicies[name] = policy
}

// change changes one object.
func (w *denseWorld) change(t *rapid.T) {
	name, other := pick(t, "name", denseNames...), pick(t, "other", denseNames...)
	number := rapid.IntRange(1, 100).Draw(t, "number")
	authorities := types.NamespacedName{Namespace: name.Namespace, Name: "authorities"}
	changes := []func(){
		func() {
			w.putRoute(name, other.Namespace, other.Name, pick[int32](t, "port", 80, 80, 80, 81), int32(number))
		},
		func() { delete(w.in.HTTPRoutes, name) },
		func() { w.moveRoute(name, pick(t, "host", "", "*.example.com", "a.example.com", "elsewhere.org")) },
		func() { w.moveRoute(name, pick(t, "host", "", "*.example.com", "a.example.com", "elsewhere.org")) },
		func() {
			w.putRoute(types.NamespacedName{Namespace: pick(t, "namespace", "a", "b", "c"), Name: pick(t, "new", "c", "d")}, other.Namespace, other.Name, 80, 1)
		},
		w.touchGateway,
		w.touchGateway,
		func() { w.putNamespace(pick(t, "namespace", "a", "b", "c"), pick(t, "team", "shop", "other")) },
		func() { w.putGatewayFor("", gatewayv1.NamespacesFromSelector) },
		func() { w.putGRPC(name) },
		func() { clear(w.in.GRPCRoutes) },
		func() {
			w.putService(name, pick[int32](t, "port", 80, 80, 81), pick(t, "protocol", "", "https", "kubernetes.io/h2c"))
		},
		func() { delete(w.in.Services, name) },
		func() { w.putSlice(name, number) },
		func() { delete(w.in.EndpointSlices, name) },
		w.putGrant,
		func() { w.in.Grants = nil },
		func() { w.putTrust(name) },
		func() { clear(w.in.BackendTLSPolicies) },
		func() { w.putAuthorities(name.Namespace) },
		func() { delete(w.in.ConfigMaps, authorities) },
		func() { w.putTraffic(name, number) },
		func() { clear(w.in.TrafficPolicies) },
		func() { w.putGateway(pick[gatewayv1.Hostname](t, "hostname", "", "*.example.com", "a.example.com")) },
	}
	changes[rapid.IntRange(0, len(changes)-1).Draw(t, "change")]()
}
