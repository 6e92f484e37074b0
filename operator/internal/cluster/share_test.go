package cluster

import (
	"encoding/json"
	"fmt"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// reported is a route as an API server sends it: nothing of it lies in memory twice.
func reported(t *testing.T, name string) *gatewayv1.HTTPRoute {
	t.Helper()
	parent := gatewayv1.ParentReference{Kind: new(gatewayv1.Kind("ListenerSet")), Name: "set"}
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, Annotations: map[string]string{"a": "b"}}}
	route.Spec.ParentRefs = []gatewayv1.ParentReference{parent}
	route.Spec.Rules = []gatewayv1.HTTPRouteRule{{Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Value: new("/ListenerSet")}}}}}
	route.Status.Parents = []gatewayv1.RouteParentStatus{{ParentRef: parent, Conditions: []metav1.Condition{{Type: "Accepted", Reason: "Accepted"}}}}
	raw, err := json.Marshal(route)
	if err != nil {
		t.Fatal(err)
	}
	decoded := &gatewayv1.HTTPRoute{}
	if err := json.Unmarshal(raw, decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

func share(t *testing.T, s *sharer, route *gatewayv1.HTTPRoute) *gatewayv1.HTTPRoute {
	t.Helper()
	out, err := s.after(strip)(route)
	if err != nil {
		t.Fatal(err)
	}
	return out.(*gatewayv1.HTTPRoute)
}

func TestEqualPartsOfObjectsAreOne(t *testing.T) {
	s := newSharer()
	share(t, s, reported(t, "first"))
	second, third := share(t, s, reported(t, "second")), share(t, s, reported(t, "third"))
	for name, got := range map[string]*gatewayv1.HTTPRoute{"second": second, "third": third} {
		if diff := cmp.Diff(reported(t, name), got); diff != "" {
			t.Errorf("sharing has changed a route (-want +got):\n%s", diff)
		}
	}
	if second.Spec.ParentRefs[0].Kind != third.Status.Parents[0].ParentRef.Kind {
		t.Error("pointers to one kind are two")
	}
	if second.Spec.Rules[0].Matches[0].Path.Value != third.Spec.Rules[0].Matches[0].Path.Value {
		t.Error("pointers to one path are two")
	}
	of := func(route *gatewayv1.HTTPRoute) *byte {
		return unsafe.StringData(route.Status.Parents[0].Conditions[0].Reason)
	}
	if of(second) != of(third) || unsafe.StringData(second.Namespace) != unsafe.StringData(third.Namespace) {
		t.Error("texts that are equal lie in memory twice")
	}
}

// Values of one text and different types are not to be mixed up, as a pointer has a type.
func TestPointersOfDifferentTypesAreNotOne(t *testing.T) {
	type object struct {
		Kind  *gatewayv1.Kind
		Group *gatewayv1.Group
		Plain *string
		Text  string
		Port  *int32
		Count *int64
	}
	s := newSharer()
	for range 4 {
		in := &object{new(gatewayv1.Kind("x")), new(gatewayv1.Group("x")), new("x"), "x", new(int32(1)), new(int64(1))}
		out, err := s.after(func(in any) (any, error) { return in, nil })(in)
		if diff := cmp.Diff(&object{new(gatewayv1.Kind("x")), new(gatewayv1.Group("x")), new("x"), "x", new(int32(1)), new(int64(1))}, out); diff != "" || err != nil {
			t.Fatalf("%v, (-want +got):\n%s", err, diff)
		}
	}
}

func TestWhatIsSharedIsBounded(t *testing.T) {
	f := newFrequent[string, string]()
	for i := range 3 * mostOften {
		name := fmt.Sprint(i)
		f.of(name, name)
		f.of(name, name)
	}
	if len(f.once) > mostOnce || len(f.often) > mostOften {
		t.Errorf("%d and %d values are kept", len(f.once), len(f.often))
	}
}
