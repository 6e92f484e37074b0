package status_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

var (
	earlier = metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	later   = metav1.NewTime(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
	atLater = conditions.Moment{Time: later, Generation: 3}
)

const ours = gatewayv1.GatewayController(golden.ControllerName)

func accepted(value metav1.ConditionStatus) metav1.Condition {
	return metav1.Condition{Type: "Accepted", Status: value, Reason: "R", ObservedGeneration: 1}
}

func entry(controller gatewayv1.GatewayController, gateway, section string, list ...metav1.Condition) gatewayv1.RouteParentStatus {
	ref := gatewayv1.ParentReference{Name: gatewayv1.ObjectName(gateway)}
	if section != "" {
		ref.SectionName = (*gatewayv1.SectionName)(&section)
	}
	return gatewayv1.RouteParentStatus{ParentRef: ref, ControllerName: controller, Conditions: list}
}

// wanted is the status of route shop/front for Gateway shop/web.
func wanted(parents ...gatewayv1.RouteParentStatus) *status.Route {
	return &status.Route{
		Kind:       graph.KindHTTPRoute,
		Name:       types.NamespacedName{Namespace: "shop", Name: "front"},
		Gateway:    types.NamespacedName{Namespace: "shop", Name: "web"},
		Controller: ours,
		Parents:    parents,
	}
}

func timed(c metav1.Condition, when metav1.Time) metav1.Condition {
	c.LastTransitionTime = when
	return c
}

func TestMergeRouteLeavesOthersAlone(t *testing.T) {
	foreign := metav1.Condition{Type: "example.com/Seen", Status: "True", Reason: "R", LastTransitionTime: earlier}
	live := []gatewayv1.RouteParentStatus{
		entry("example.com/other", "web", "", timed(accepted("False"), earlier)),
		entry(ours, "web", "", foreign, timed(accepted("True"), earlier)),
		entry(ours, "elsewhere", "", timed(accepted("True"), earlier)),
		entry(ours, "web", "gone", timed(accepted("True"), earlier)),
	}
	before := slices.Clone(live)
	got, changed := status.MergeRoute(live, wanted(
		entry(ours, "web", "", accepted("False")),
		entry(ours, "web", "new", accepted("True")),
	), atLater)
	want := []gatewayv1.RouteParentStatus{
		live[0],
		entry(ours, "web", "", foreign, timed(accepted("False"), later)),
		live[2],
		entry(ours, "web", "new", timed(accepted("True"), later)),
	}
	if diff := cmp.Diff(want, got); diff != "" || !changed {
		t.Errorf("changed %t (-want +got):\n%s", changed, diff)
	}
	if diff := cmp.Diff(before, live); diff != "" {
		t.Errorf("the live status was changed:\n%s", diff)
	}
	if _, again := status.MergeRoute(got, wanted(
		entry(ours, "web", "", accepted("False")),
		entry(ours, "web", "new", accepted("True")),
	), atLater); again {
		t.Error("merging the same once more changes something")
	}
}

func TestMergeRouteRemovesOurEntriesOfAGatewayThatIsNoParentAnyMore(t *testing.T) {
	other := entry("example.com/other", "web", "", accepted("True"))
	got, changed := status.MergeRoute([]gatewayv1.RouteParentStatus{entry(ours, "web", "", accepted("True")), other}, wanted(), atLater)
	if diff := cmp.Diff([]gatewayv1.RouteParentStatus{other}, got); diff != "" || !changed {
		t.Errorf("changed %t (-want +got):\n%s", changed, diff)
	}
}

func TestMergeRouteStaysWithinTheSchema(t *testing.T) {
	var live []gatewayv1.RouteParentStatus
	for range 32 {
		live = append(live, entry("example.com/other", "web", "", accepted("True")))
	}
	if got, changed := status.MergeRoute(live, wanted(entry(ours, "web", "", accepted("True"))), atLater); len(got) != 32 || changed {
		t.Errorf("%d entries, changed %t", len(got), changed)
	}
}

func TestMergeGateway(t *testing.T) {
	foreign := metav1.Condition{Type: "example.com/Seen", Status: "True", Reason: "R", LastTransitionTime: earlier}
	gone := gatewayv1.ListenerStatus{Name: "gone", Conditions: []metav1.Condition{timed(accepted("True"), earlier)}}
	sets := int32(0)
	live := gatewayv1.GatewayStatus{
		AttachedListenerSets: &sets,
		Conditions:           []metav1.Condition{foreign},
		Listeners:            []gatewayv1.ListenerStatus{gone, {Name: "http", Conditions: []metav1.Condition{foreign}}},
	}
	want := &status.Gateway{
		Conditions: []metav1.Condition{accepted("True")},
		Listeners:  []gatewayv1.ListenerStatus{{Name: "http", AttachedRoutes: 2, Conditions: []metav1.Condition{accepted("True")}}},
	}
	got, changed := status.MergeGateway(live, want, atLater)
	expected := gatewayv1.GatewayStatus{
		Conditions: []metav1.Condition{foreign, timed(accepted("True"), later)},
		Listeners: []gatewayv1.ListenerStatus{{
			Name: "http", AttachedRoutes: 2, Conditions: []metav1.Condition{foreign, timed(accepted("True"), later)},
		}},
	}
	if diff := cmp.Diff(expected, got); diff != "" || !changed {
		t.Errorf("changed %t (-want +got):\n%s", changed, diff)
	}
	if _, again := status.MergeGateway(got, want, atLater); again {
		t.Error("merging the same once more changes something")
	}
	want.Listeners[0].AttachedRoutes = 3
	if _, again := status.MergeGateway(got, want, atLater); !again {
		t.Error("another count of routes changes nothing")
	}
}

func TestServiceAddresses(t *testing.T) {
	ip, host := gatewayv1.IPAddressType, gatewayv1.HostnameAddressType
	anywhere, cluster := gatewayv1.GatewayAddressRoutabilityDefault, gatewayv1.GatewayAddressRoutabilityCluster
	balanced := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, ClusterIPs: []string{"10.96.0.1"}}}
	if got := status.ServiceAddresses(balanced); len(got) != 0 {
		t.Errorf("a load balancer without an address has %v", got)
	}
	balanced.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}, {Hostname: "lb.example.com"}}
	want := []gatewayv1.GatewayStatusAddress{
		{Type: &ip, Value: "192.0.2.1", Routability: &anywhere}, {Type: &host, Value: "lb.example.com", Routability: &anywhere},
	}
	if diff := cmp.Diff(want, status.ServiceAddresses(balanced)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	inside := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIPs: []string{"10.96.0.1", "fd00::1"}}}
	want = []gatewayv1.GatewayStatusAddress{
		{Type: &ip, Value: "10.96.0.1", Routability: &cluster}, {Type: &ip, Value: "fd00::1", Routability: &cluster},
	}
	if diff := cmp.Diff(want, status.ServiceAddresses(inside)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
