package status_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// ofSet makes an entry one for the ListenerSet of that name.
func ofSet(e gatewayv1.RouteParentStatus) gatewayv1.RouteParentStatus {
	e.ParentRef.Kind = new(gatewayv1.Kind("ListenerSet"))
	return e
}

// A Gateway speaks for the ListenerSets that it has, and for no others; a
// ListenerSet of the Gateway's name is another parent.
func TestMergeRouteWithListenerSets(t *testing.T) {
	live := []gatewayv1.RouteParentStatus{
		ofSet(entry(ours, "moved", "", timed(accepted("True"), earlier))),
		ofSet(entry(ours, "more", "", timed(accepted("True"), earlier))),
		ofSet(entry("example.com/other", "more", "", timed(accepted("True"), earlier))),
		ofSet(entry(ours, "more", "gone", timed(accepted("True"), earlier))),
	}
	want := wanted(
		entry(ours, "web", "", accepted("True")),
		ofSet(entry(ours, "web", "", accepted("False"))),
		ofSet(entry(ours, "more", "", accepted("True"))),
	)
	want.ListenerSets = status.NewSets(types.NamespacedName{Namespace: "shop", Name: "more"}, types.NamespacedName{Namespace: "shop", Name: "web"})
	got, changed := status.MergeRoute(live, want, atLater)
	expected := []gatewayv1.RouteParentStatus{
		live[0], live[1], live[2],
		entry(ours, "web", "", timed(accepted("True"), later)),
		ofSet(entry(ours, "web", "", timed(accepted("False"), later))),
	}
	if diff := cmp.Diff(expected, got); diff != "" || !changed {
		t.Errorf("changed %t (-want +got):\n%s", changed, diff)
	}
	if _, again := status.MergeRoute(got, want, atLater); again {
		t.Error("merging the same once more changes something")
	}
}

func TestMergeListenerSet(t *testing.T) {
	foreign := metav1.Condition{Type: "example.com/Seen", Status: "True", Reason: "R", LastTransitionTime: earlier}
	overlap := metav1.Condition{Type: "OverlappingTLSConfig", Status: "True", Reason: "R", LastTransitionTime: earlier}
	live := gatewayv1.ListenerSetStatus{
		Conditions: []metav1.Condition{foreign, timed(accepted("True"), earlier)},
		Listeners: []gatewayv1.ListenerEntryStatus{
			{Name: "gone"}, {Name: "https", Conditions: []metav1.Condition{overlap, foreign}},
		},
	}
	want := &status.ListenerSet{
		Conditions: []metav1.Condition{accepted("True")},
		Listeners:  []gatewayv1.ListenerStatus{{Name: "https", AttachedRoutes: 2, Conditions: []metav1.Condition{accepted("False")}}},
	}
	got, changed := status.MergeListenerSet(live, want, atLater)
	expected := gatewayv1.ListenerSetStatus{
		Conditions: live.Conditions,
		Listeners: []gatewayv1.ListenerEntryStatus{{
			Name: "https", AttachedRoutes: 2, Conditions: []metav1.Condition{foreign, timed(accepted("False"), later)},
		}},
	}
	if diff := cmp.Diff(expected, got); diff != "" || !changed {
		t.Errorf("changed %t (-want +got):\n%s", changed, diff)
	}
	if _, again := status.MergeListenerSet(got, want, atLater); again {
		t.Error("merging the same once more changes something")
	}
}
