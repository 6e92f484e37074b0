package golden_test

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/golden"
)

// The names collide when two of them are joined by a dash, with or without the class.
var (
	collidingNamespaces = [][2]string{{"a", "a-b"}, {"a-b", "a-b-c"}, {"web", "web-fleetgate"}, {"x", "y"}}
	collidingNames      = []string{"a", "b", "b-c", "c", "web", "web-fleetgate"}
	hosts               = []gatewayv1.Hostname{"shop.example.com", "*.example.com", "example.com"}
)

// drawer draws the objects of one tenant, who knows of the other one.
type drawer struct {
	*rand.Rand
	own, other string
	out        []client.Object
	seen       map[string]bool
}

// drawTenants returns two tenants, and what belongs to neither.
func drawTenants(random *rand.Rand) (tenants [2]tenant, common []client.Object) {
	class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: "fleetgate"}}
	class.Spec.ControllerName = golden.ControllerName
	common = append(common, class)
	pair := collidingNamespaces[random.IntN(len(collidingNamespaces))]
	for i := range tenants {
		d := &drawer{Rand: random, own: pair[i], other: pair[1-i], seen: make(map[string]bool)}
		common = append(common, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: d.own, Labels: map[string]string{"team": d.own}}})
		d.tenant()
		tenants[i] = tenant{d.own, d.out}
	}
	return tenants, common
}

func (d *drawer) tenant() {
	times(1+d.IntN(2), d.gateway)
	times(1+d.IntN(4), d.httpRoute)
	times(d.IntN(2), d.grpcRoute)
	times(d.IntN(3), d.l4Route)
	times(1+d.IntN(3), d.service)
	times(d.IntN(2), d.secret)
	times(d.IntN(2), d.parameters)
	times(d.IntN(2), d.tlsPolicy)
	times(d.IntN(2), d.trafficPolicy)
	times(d.IntN(2), d.grant)
}

func times(n int, draw func()) {
	for range n {
		draw()
	}
}

// add keeps an object unless there is one of its kind and name.
func (d *drawer) add(object client.Object, meta *metav1.ObjectMeta) {
	meta.Namespace = d.own
	meta.UID = types.UID(fmt.Sprintf("%T/%s/%s", object, d.own, meta.Name))
	meta.Generation = 1
	// Who is older must not be what tells tenants apart.
	meta.CreationTimestamp = metav1.Unix(int64(1000+d.IntN(3)), 0)
	if key := string(meta.UID); !d.seen[key] {
		d.seen[key] = true
		d.out = append(d.out, object)
	}
}

func (d *drawer) name() string     { return collidingNames[d.IntN(len(collidingNames))] }
func (d *drawer) yes(one int) bool { return d.IntN(one) == 0 }

// namespace is nil, the own or now and then that of the other tenant.
func (d *drawer) namespace() *gatewayv1.Namespace {
	switch d.IntN(4) {
	case 0:
		return new(gatewayv1.Namespace(d.other))
	case 1:
		return new(gatewayv1.Namespace(d.own))
	}
	return nil
}

func (d *drawer) gateway() {
	gw := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
	gw.Spec.GatewayClassName = "fleetgate"
	for i := range 1 + d.IntN(3) {
		gw.Spec.Listeners = append(gw.Spec.Listeners, d.listener(i))
	}
	if d.yes(3) {
		gw.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{ParametersRef: &gatewayv1.LocalParametersReference{
			Group: "fleetgate.io", Kind: "GatewayParameters", Name: d.name(),
		}}
	}
	d.add(gw, &gw.ObjectMeta)
}

// listener lets in nobody of another namespace: by default, by its label, or by name.
func (d *drawer) listener(i int) gatewayv1.Listener {
	protocols := []gatewayv1.ProtocolType{"HTTP", "HTTP", "HTTPS", "TLS", "TCP", "UDP"}
	l := gatewayv1.Listener{
		Name: gatewayv1.SectionName(fmt.Sprint("l", i)), Protocol: protocols[d.IntN(len(protocols))],
		Port: gatewayv1.PortNumber(80 + d.IntN(3)),
	}
	if l.Protocol == "HTTP" || l.Protocol == "HTTPS" || l.Protocol == "TLS" {
		if d.yes(2) {
			l.Hostname = &hosts[d.IntN(len(hosts))]
		}
	}
	if l.Protocol == "HTTPS" || l.Protocol == "TLS" {
		l.TLS = &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{
			{Name: gatewayv1.ObjectName(d.name()), Namespace: d.namespace()},
		}}
	}
	if d.yes(3) {
		l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{
			From: new(gatewayv1.NamespacesFromSelector), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": d.own}},
		}}
	}
	return l
}

func (d *drawer) parents() gatewayv1.CommonRouteSpec {
	spec := gatewayv1.CommonRouteSpec{}
	for range 1 + d.IntN(2) {
		spec.ParentRefs = append(spec.ParentRefs, gatewayv1.ParentReference{Name: gatewayv1.ObjectName(d.name()), Namespace: d.namespace()})
	}
	// One that is likely to be there.
	for _, object := range d.out {
		if _, is := object.(*gatewayv1.Gateway); is {
			spec.ParentRefs = append(spec.ParentRefs, gatewayv1.ParentReference{Name: gatewayv1.ObjectName(object.GetName())})
			break
		}
	}
	return spec
}

func (d *drawer) hostnames() []gatewayv1.Hostname {
	if d.yes(2) {
		return nil
	}
	return []gatewayv1.Hostname{hosts[d.IntN(len(hosts))]}
}

func (d *drawer) backend() gatewayv1.BackendRef {
	return gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{
		Name: gatewayv1.ObjectName(d.name()), Namespace: d.namespace(), Port: new(gatewayv1.PortNumber(80)),
	}}
}

func (d *drawer) httpRoute() {
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
	r.Spec.CommonRouteSpec, r.Spec.Hostnames = d.parents(), d.hostnames()
	rule := gatewayv1.HTTPRouteRule{BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: d.backend()}, {BackendRef: d.backend()}}}
	if d.yes(2) {
		rule.Matches = []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: new(gatewayv1.PathMatchPathPrefix), Value: new("/" + d.name())}}}
	}
	if d.yes(3) {
		rule.Filters = []gatewayv1.HTTPRouteFilter{{Type: "RequestMirror", RequestMirror: &gatewayv1.HTTPRequestMirrorFilter{
			BackendRef: d.backend().BackendObjectReference,
		}}}
	}
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{rule}
	d.add(r, &r.ObjectMeta)
}

func (d *drawer) grpcRoute() {
	r := &gatewayv1.GRPCRoute{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
	r.Spec.CommonRouteSpec, r.Spec.Hostnames = d.parents(), d.hostnames()
	r.Spec.Rules = []gatewayv1.GRPCRouteRule{{BackendRefs: []gatewayv1.GRPCBackendRef{{BackendRef: d.backend()}}}}
	d.add(r, &r.ObjectMeta)
}

func (d *drawer) l4Route() {
	refs := []gatewayv1.BackendRef{d.backend()}
	switch d.IntN(3) {
	case 0:
		r := &gatewayv1.TCPRoute{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
		r.Spec.CommonRouteSpec, r.Spec.Rules = d.parents(), []gatewayv1.TCPRouteRule{{BackendRefs: refs}}
		d.add(r, &r.ObjectMeta)
	case 1:
		r := &gatewayv1.UDPRoute{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
		r.Spec.CommonRouteSpec, r.Spec.Rules = d.parents(), []gatewayv1.UDPRouteRule{{BackendRefs: refs}}
		d.add(r, &r.ObjectMeta)
	default:
		r := &gatewayv1.TLSRoute{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
		r.Spec.CommonRouteSpec, r.Spec.Rules = d.parents(), []gatewayv1.TLSRouteRule{{BackendRefs: refs}}
		r.Spec.Hostnames = []gatewayv1.Hostname{hosts[d.IntN(2)]}
		d.add(r, &r.ObjectMeta)
	}
}

func (d *drawer) service() {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
	s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	d.add(s, &s.ObjectMeta)
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: s.Name + "-1", Labels: map[string]string{discoveryv1.LabelServiceName: s.Name}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("http"), Port: new(int32(8080))}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{fmt.Sprintf("10.0.0.%d", 1+d.IntN(200))}}},
	}
	d.add(slice, &slice.ObjectMeta)
}

func (d *drawer) secret() {
	s := certificate().DeepCopy()
	s.ObjectMeta = metav1.ObjectMeta{Name: d.name()}
	d.add(s, &s.ObjectMeta)
}

func (d *drawer) parameters() {
	p := &v1alpha1.GatewayParameters{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
	p.Spec.Workload = &v1alpha1.WorkloadParameters{Replicas: new(int32(1 + d.IntN(5)))}
	p.Spec.Proxy = &v1alpha1.ProxyParameters{TrustedHops: new(int32(d.IntN(3)))}
	d.add(p, &p.ObjectMeta)
}

func (d *drawer) tlsPolicy() {
	p := &gatewayv1.BackendTLSPolicy{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
	p.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{
		LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: gatewayv1.ObjectName(d.name())},
	}}
	p.Spec.Validation = gatewayv1.BackendTLSPolicyValidation{
		Hostname: "backend.example.com", WellKnownCACertificates: new(gatewayv1.WellKnownCACertificatesSystem),
	}
	d.add(p, &p.ObjectMeta)
}

func (d *drawer) trafficPolicy() {
	p := &gatewayxv1alpha1.XBackendTrafficPolicy{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
	p.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReference{{Kind: "Service", Name: gatewayv1.ObjectName(d.name())}}
	p.Spec.RetryConstraint = &gatewayxv1alpha1.RetryConstraint{Budget: &gatewayxv1alpha1.BudgetDetails{Percent: new(d.IntN(100))}}
	d.add(p, &p.ObjectMeta)
}

// grant is to the tenant himself, or to one whose name is like the other's.
func (d *drawer) grant() {
	g := &gatewayv1.ReferenceGrant{ObjectMeta: metav1.ObjectMeta{Name: d.name()}}
	from := gatewayv1.Namespace(d.own)
	if d.yes(2) {
		from = gatewayv1.Namespace(d.other + "-b")
	}
	g.Spec.From = []gatewayv1.ReferenceGrantFrom{{Group: gatewayv1.GroupName, Kind: "HTTPRoute", Namespace: from}}
	g.Spec.To = []gatewayv1.ReferenceGrantTo{{Kind: "Service"}}
	d.add(g, &g.ObjectMeta)
}
