package golden_test

import (
	"fmt"
	"maps"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

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
		var memory graph.Memory
		var rendering render.Memory
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			in := w.resources()
			checkRemembered(t, memory.Build(in, options()), graph.Build(in, options()), &rendering)
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

func checkRemembered(t *rapid.T, got, want *graph.Graph, rendering *render.Memory) {
	if diff := cmp.Diff(render.Config(want), rendering.Config(got)); diff != "" {
		t.Errorf("the configuration is another one (-want +got):\n%s", diff)
	}
	observed := status.Observed{Ready: 1, Serving: 1}
	if diff := cmp.Diff(status.Build(want, observed), status.Build(got, observed)); diff != "" {
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
		Class:              &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ControllerName: golden.ControllerName}},
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
	return metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name, UID: "uid", ResourceVersion: strconv.Itoa(w.versions)}
}

func (w *denseWorld) putGateway(hostname gatewayv1.Hostname) {
	all := gatewayv1.NamespacesFromAll
	listener := gatewayv1.Listener{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType,
		AllowedRoutes: &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &all}}}
	if hostname != "" {
		listener.Hostname = &hostname
	}
	w.in.Gateway = &gatewayv1.Gateway{ObjectMeta: w.meta(types.NamespacedName{Namespace: "a", Name: "gateway"})}
	w.in.Gateway.Spec.Listeners = []gatewayv1.Listener{listener}
}

func (w *denseWorld) putRoute(name types.NamespacedName, namespace, service string, port int32, weight int32) {
	route := &gatewayv1.HTTPRoute{ObjectMeta: w.meta(name)}
	route.Spec.ParentRefs = []gatewayv1.ParentReference{{Namespace: new(gatewayv1.Namespace("a")), Name: "gateway"}}
	route.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(name.Name + ".example.com")}
	ref := gatewayv1.BackendObjectReference{Namespace: new(gatewayv1.Namespace(namespace)), Name: gatewayv1.ObjectName(service), Port: new(gatewayv1.PortNumber(port))}
	route.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: ref, Weight: &weight}}}}}
	w.in.HTTPRoutes[name] = route
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
