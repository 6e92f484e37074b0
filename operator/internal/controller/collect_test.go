package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// TestFollowingChangesIsBeginningAnew has objects of all kinds that a Gateway may have to
// do with come, change and go. What is collected by the events about them, and made of
// it by what is remembered, is what is found without any.
func TestFollowingChangesIsBeginningAnew(t *testing.T) {
	followed, idle, joined := 0, 0, 0
	pair := keyPair(t, "pair")
	rapid.Check(t, func(r *rapid.T) {
		c := newCrowd(t, 0)
		if rapid.Bool().Draw(r, "claims") {
			gw := openGateway()
			gw.Spec.DefaultScope = gatewayv1.GatewayDefaultScopeAll
			c.put(gw)
		}
		var before *store.Edition
		for range rapid.IntRange(1, 12).Draw(r, "looks") {
			known, got, err := c.gateways.collect(t.Context(), c.gateway)
			if err != nil {
				t.Fatal(err)
			}
			want, err := store.Collect(t.Context(), c.gateways.opts.Reader, c.gateway, controllerName)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(inOrder(want), inOrder(got), cmpopts.IgnoreFields(store.Resources{}, "Edition"), cmpopts.EquateEmpty()); diff != "" {
				r.Fatalf("collected by changes are others (-want +got):\n%s", diff)
			}
			if got != nil {
				c.compare(r, known, got, want)
				if changes := got.Since(before); changes != nil {
					followed++
					if changes.None() {
						idle++
					}
					if len(changes.Joined) > 0 {
						joined++
					}
				}
				before = got.Edition
			}
			c.gateways.memories.keep(c.gateway, known)
			for range rapid.IntRange(0, 3).Draw(r, "changes") {
				if rapid.Bool().Draw(r, "writes") {
					c.settle()
				}
				c.chance(t.Context(), r, pair)
			}
		}
	})
	if followed == 0 || idle == 0 || joined == 0 {
		t.Errorf("%d times changes were followed, %d times there were none but of statuses, %d times a ListenerSet joined", followed, idle, joined)
	}
}

// compare translates the resources with what is remembered and without.
func (c *crowd) compare(r *rapid.T, known *memory, got, want *store.Resources) {
	opts := c.gateways.opts
	now := makePlan(opts.Translate, known, got, opts.Graph, opts.Settings)
	fresh := makePlan(opts.Translate, &memory{}, want, opts.Graph, opts.Settings)
	if diff := cmp.Diff(fresh.config, now.config, cmpopts.IgnoreUnexported(now.config)); diff != "" {
		r.Fatalf("the configuration is another one (-want +got):\n%s", diff)
	}
	// What is programmed already stays so while some proxies are behind.
	observed := status.Observed{Ready: 2, Serving: rapid.IntRange(1, 2).Draw(r, "serving"), Addresses: []gatewayv1.GatewayStatusAddress{{Value: "192.0.2.1"}}}
	statuses := known.statuses.Build(now.graph, observed)
	if diff := cmp.Diff(status.Build(fresh.graph, observed), statuses); diff != "" {
		r.Fatalf("the statuses are others (-want +got):\n%s", diff)
	}
	w := &work{GatewayReconciler: c.gateways, resources: got, gateway: got.Gateway, key: c.gateway, known: known, plan: now}
	w.reportRoutes(statuses.Routes)
	for _, route := range statuses.Routes {
		of := c.gateways.routes[route.Kind]
		live := got.Route(store.RouteKey{Kind: route.Kind, NamespacedName: route.Name})
		if of.merge(live, []*status.Route{route}, conditions.At(time.Now(), live)) == nil {
			continue
		}
		if diff := cmp.Diff(route, of.proposed[route.Name][speaker{gateway: route.Gateway}]); diff != "" {
			r.Fatalf("%s %s is to have another status (-want +got):\n%s", route.Kind, route.Name, diff)
		}
	}
}

func inOrder(resources *store.Resources) *store.Resources {
	if resources == nil {
		return nil
	}
	out := *resources
	out.Detached = slices.SortedFunc(slices.Values(out.Detached), func(a, b store.Route) int {
		return strings.Compare(fmt.Sprintf("%T", a)+client.ObjectKeyFromObject(a).String(), fmt.Sprintf("%T", b)+client.ObjectKeyFromObject(b).String())
	})
	return &out
}

// chance puts or removes one object.
func (c *crowd) chance(ctx context.Context, r *rapid.T, pair *corev1.Secret) {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(r, label) }
	meta := metav1.ObjectMeta{Namespace: pick("namespace", "tenant", "b", "c"), Name: pick("name", "x", "y"), Generation: int64(c.versions)}
	var obj client.Object
	switch pick("kind", "status", "status", "HTTPRoute", "HTTPRoute", "HTTPRoute", "GRPCRoute", "TCPRoute", "Service", "EndpointSlice", "EndpointSlice", "Namespace", "Gateway", "Gateway",
		"ReferenceGrant", "BackendTLSPolicy", "ListenerSet", "ListenerSet", "ListenerSet", "Secret", "XBackend") {
	case "status":
		if routes := c.sortedRoutes(); len(routes) > 0 {
			route := rapid.SampledFrom(routes).Draw(r, "route").DeepCopyObject().(client.Object)
			_, *store.StatusOf(route) = chanceParents(r, pick)
			c.put(route)
		}
		return
	case "HTTPRoute":
		route := &gatewayv1.HTTPRoute{ObjectMeta: meta}
		route.Spec.CommonRouteSpec, route.Status.RouteStatus = chanceParents(r, pick)
		route.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: chanceBackend(pick)}, {BackendRef: chanceBackend(pick)}}}}
		obj = route
	case "GRPCRoute":
		route := &gatewayv1.GRPCRoute{ObjectMeta: meta}
		route.Spec.CommonRouteSpec, route.Status.RouteStatus = chanceParents(r, pick)
		route.Spec.Rules = []gatewayv1.GRPCRouteRule{{BackendRefs: []gatewayv1.GRPCBackendRef{{BackendRef: chanceBackend(pick)}}}}
		obj = route
	case "TCPRoute":
		route := &gatewayv1.TCPRoute{ObjectMeta: meta}
		route.Spec.CommonRouteSpec, route.Status.RouteStatus = chanceParents(r, pick)
		route.Spec.Rules = []gatewayv1.TCPRouteRule{{BackendRefs: []gatewayv1.BackendRef{chanceBackend(pick)}}}
		obj = route
	case "Service":
		obj = &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	case "EndpointSlice":
		meta.Labels = map[string]string{discoveryv1.LabelServiceName: pick("service", "x", "y")}
		meta.Name = pick("slice", "1", "2")
		obj = &discoveryv1.EndpointSlice{
			ObjectMeta: meta, AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: new(int32(8080))}},
			Endpoints: []discoveryv1.Endpoint{{Addresses: []string{fmt.Sprintf("10.0.0.%d", c.versions%250)}}},
		}
	case "Namespace":
		obj = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: meta.Namespace}}
	case "Gateway":
		gw := openGateway()
		gw.Generation = int64(c.versions)
		if live := (&gatewayv1.Gateway{}); pick("what", "spec", "status") == "status" && c.Get(ctx, c.gateway, live) == nil {
			gw = live.DeepCopy()
			gw.Status.Conditions = chanceProgrammed(pick, gw.Generation)
		} else if pick("claims", "", "all") == "all" {
			gw.Spec.DefaultScope = gatewayv1.GatewayDefaultScopeAll
		}
		obj = gw
	case "ReferenceGrant":
		obj = &gatewayv1.ReferenceGrant{ObjectMeta: meta}
	case "BackendTLSPolicy":
		policy := &gatewayv1.BackendTLSPolicy{ObjectMeta: meta}
		policy.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{
			LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: gatewayv1.ObjectName(pick("target", "x", "y"))},
		}}
		obj = policy
	case "ListenerSet":
		set := &gatewayv1.ListenerSet{}
		if pick("what", "spec", "status") == "status" && c.Get(ctx, client.ObjectKey{Namespace: meta.Namespace, Name: meta.Name}, set) == nil {
			set = set.DeepCopy()
			set.Status.Listeners = []gatewayv1.ListenerEntryStatus{{Name: "more", Conditions: chanceProgrammed(pick, set.Generation)}}
		} else {
			set = chanceSet(pick, meta)
		}
		obj = set
	case "Secret":
		secret := pair.DeepCopy()
		secret.Namespace, secret.Name = meta.Namespace, meta.Name
		obj = secret
	case "XBackend":
		obj = &gatewayxv1alpha1.XBackend{ObjectMeta: meta}
	}
	if rapid.IntRange(0, 3).Draw(r, "removed") == 0 {
		c.remove(obj)
	} else {
		c.put(obj)
	}
}

// chanceSet is a ListenerSet that may be in the way of others, and overlap with them.
func chanceSet(pick func(string, ...string) string, meta metav1.ObjectMeta) *gatewayv1.ListenerSet {
	set := listenerSet(meta.Name, pick("gateway", "gw", "gw", "gw", "other"))
	set.Namespace, set.Generation, set.Spec.ParentRef.Namespace = meta.Namespace, meta.Generation, new(gatewayv1.Namespace("tenant"))
	if pick("age", "old", "young") == "young" {
		set.CreationTimestamp = metav1.Unix(1e9, 0)
	}
	l := &set.Spec.Listeners[0]
	l.Hostname = new(gatewayv1.Hostname(pick("hostname", "a.example.com", "b.example.com", "*.example.com")))
	if pick("protocol", "HTTP", "HTTPS") == "HTTPS" {
		l.Port, l.Protocol = 8443, gatewayv1.HTTPSProtocolType
		l.TLS = &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{
			Name: gatewayv1.ObjectName(pick("secret", "x", "y")), Namespace: new(gatewayv1.Namespace(pick("of", meta.Namespace, meta.Namespace, "b"))),
		}}}
	}
	return set
}

func (c *crowd) sortedRoutes() []client.Object {
	var all []client.Object
	for _, kind := range store.RouteKinds() {
		of := c.of(kind.New())
		for _, key := range slices.Sorted(slices.Values(of.ListKeys())) {
			if route, there, _ := of.GetByKey(key); there {
				all = append(all, route.(client.Object))
			}
		}
	}
	return all
}

func chanceProgrammed(pick func(string, ...string) string, generation int64) []metav1.Condition {
	return []metav1.Condition{{Type: "Programmed", Status: metav1.ConditionStatus(pick("programmed", "True", "False")), ObservedGeneration: generation}}
}

func chanceParents(r *rapid.T, pick func(string, ...string) string) (gatewayv1.CommonRouteSpec, gatewayv1.RouteStatus) {
	var spec gatewayv1.CommonRouteSpec
	var said gatewayv1.RouteStatus
	to := gatewayv1.ParentReference{Namespace: new(gatewayv1.Namespace("tenant")), Name: gatewayv1.ObjectName(pick("parent", "gw", "gw", "other"))}
	if pick("parent kind", "Gateway", "ListenerSet", "Gateway") == "ListenerSet" {
		to.Kind, to.Name = new(gatewayv1.Kind("ListenerSet")), gatewayv1.ObjectName(pick("set", "x", "y"))
	}
	spec.ParentRefs = []gatewayv1.ParentReference{to}
	if rapid.Bool().Draw(r, "defaults") {
		spec.UseDefaultGateways = gatewayv1.GatewayDefaultScopeAll
	}
	if rapid.Bool().Draw(r, "reported") {
		ref := gatewayv1.ParentReference{Namespace: to.Namespace, Name: "gw"}
		if pick("reported", "Gateway", "ListenerSet") == "ListenerSet" {
			ref.Kind, ref.Name = new(gatewayv1.Kind("ListenerSet")), gatewayv1.ObjectName(pick("set", "x", "y"))
		}
		said.Parents = []gatewayv1.RouteParentStatus{{ParentRef: ref, ControllerName: controllerName}}
	}
	return spec, said
}

func chanceBackend(pick func(string, ...string) string) gatewayv1.BackendRef {
	ref := gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{
		Name: gatewayv1.ObjectName(pick("backend", "x", "y")), Port: new(gatewayv1.PortNumber(80)), Namespace: new(gatewayv1.Namespace(pick("backend namespace", "tenant", "b", "c"))),
	}}
	if pick("backend kind", "Service", "Service", "Service", "Service", "XBackend") == "XBackend" {
		ref.Group, ref.Kind = new(gatewayv1.Group(gatewayxv1alpha1.GroupName)), new(gatewayv1.Kind(store.KindXBackend))
	}
	return ref
}

// An event that nobody has told of does no harm for long.
func TestEverythingIsReadAnewInTime(t *testing.T) {
	w := newWorld(t, gateway("gw"), route("web", "gw"))
	w.look("gw")
	w.look("gw")
	// The controllers do not hear of this one.
	gateways := w.gateways
	w.gateways = nil
	w.must(w.client.Create(t.Context(), route("unheard", "gw")))
	w.gateways = gateways
	if w.look("gw"); w.served("gw")["unheard"] {
		t.Error("what nobody has told of is read at once: the test tells nothing")
	}
	w.now = w.now.Add(anewAfter + 2*anewEach)
	if w.look("gw"); !w.served("gw")["unheard"] {
		t.Error("it is not read later on either")
	}
}
