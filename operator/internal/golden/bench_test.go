package golden_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// BenchmarkTranslation is what a Gateway with many routes costs the operator, for
// each route: at first, and when one of them has changed.
func BenchmarkTranslation(b *testing.B) {
	changed := types.NamespacedName{Namespace: "team-0000", Name: "route-00"}
	for _, n := range []int{100, 1000, 5000, 40000} {
		b.Run(fmt.Sprint("first/", n), func(b *testing.B) {
			resources := crowd(n)
			translateEach(b, n, func() *remembrance { return &remembrance{} }, resources, func(int) {})
		})
		b.Run(fmt.Sprint("changed/", n), func(b *testing.B) {
			resources := crowd(n)
			var known remembrance
			known.translate(resources)
			translateEach(b, n, func() *remembrance { return &known }, resources, func(i int) {
				route := *resources.HTTPRoutes[changed]
				route.ResourceVersion = fmt.Sprint("changed ", i)
				resources.HTTPRoutes[changed] = &route
			})
		})
	}
}

func translateEach(b *testing.B, routes int, memory func() *remembrance, resources *store.Resources, change func(i int)) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		change(i)
		memory().translate(resources)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(routes), "ns/route")
}

func (r *remembrance) translate(in *store.Resources) {
	g := r.graph.Build(in, options())
	r.rules.Config(g)
	r.statuses.Build(g, status.Observed{Ready: 1, Serving: 1})
}

// crowd is a Gateway with a number of routes, sixteen in each namespace, with
// hostnames of their own.
func crowd(routes int) *store.Resources {
	all := gatewayv1.NamespacesFromAll
	r := &store.Resources{
		Class: &gatewayv1.GatewayClass{
			ObjectMeta: metav1.ObjectMeta{Name: "class", ResourceVersion: "1"},
			Spec:       gatewayv1.GatewayClassSpec{ControllerName: gatewayv1.GatewayController(options().ControllerName)},
		},
		Gateway: &gatewayv1.Gateway{
			ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "gateway", UID: "uid", ResourceVersion: "1"},
			Spec: gatewayv1.GatewaySpec{GatewayClassName: "class", Listeners: []gatewayv1.Listener{{
				Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType,
				AllowedRoutes: &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &all}},
			}}},
		},
		HTTPRoutes:     map[types.NamespacedName]*gatewayv1.HTTPRoute{},
		Services:       map[types.NamespacedName]*corev1.Service{},
		EndpointSlices: map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
		Namespaces:     map[string]*corev1.Namespace{},
	}
	for i := range routes {
		namespace := fmt.Sprintf("team-%04d", i/16)
		if r.Namespaces[namespace] == nil {
			join(r, namespace, i/16)
		}
		name := types.NamespacedName{Namespace: namespace, Name: fmt.Sprintf("route-%02d", i%16)}
		r.HTTPRoutes[name] = &gatewayv1.HTTPRoute{
			ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name, Generation: 1, ResourceVersion: "1"},
			Spec: gatewayv1.HTTPRouteSpec{
				CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Namespace: new(gatewayv1.Namespace("infra")), Name: "gateway"}}},
				Hostnames:       []gatewayv1.Hostname{gatewayv1.Hostname(fmt.Sprintf("host-%05d.example.com", i))},
				Rules: []gatewayv1.HTTPRouteRule{{
					Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: new(gatewayv1.PathMatchPathPrefix), Value: new("/service")}}},
					BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{
						BackendObjectReference: gatewayv1.BackendObjectReference{Name: "app", Port: new(gatewayv1.PortNumber(80))}, Weight: new(int32(1)),
					}}},
				}},
			},
		}
	}
	return r
}

// join adds a namespace with a Service.
func join(r *store.Resources, namespace string, number int) {
	r.Namespaces[namespace] = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, ResourceVersion: "1"}}
	service := types.NamespacedName{Namespace: namespace, Name: "app"}
	r.Services[service] = &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "app", ResourceVersion: "1"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	r.EndpointSlices[service] = []*discoveryv1.EndpointSlice{{
		ObjectMeta:  metav1.ObjectMeta{Namespace: namespace, Name: "app-1", ResourceVersion: "1"},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Port: new(int32(8080))}},
		Endpoints: []discoveryv1.Endpoint{{
			Addresses:  []string{fmt.Sprintf("10.1.%d.%d", number/256, number%256)},
			Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
		}},
	}}
}
