package install

import (
	"context"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Nothing but a change has the classes read as a whole, and each change does.
func TestClassesAreReadWhereOneHasChanged(t *testing.T) {
	s := newStore(t, class("a", 1, ""), class("b", 2, ""))
	whole := 0
	list := classList{controller: controllerName, live: interceptor.NewClient(s.WithWatch, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, into client.ObjectList, opts ...client.ListOption) error {
			if _, is := into.(*gatewayv1.GatewayClassList); is {
				whole++
			}
			return c.List(ctx, into, opts...)
		},
	})}
	read := func(names ...string) {
		t.Helper()
		for range 2 {
			classes, err := list.read(t.Context())
			s.must(err)
			if len(classes) != len(names) {
				t.Fatalf("%d classes were read, want %d", len(classes), len(names))
			}
			for i := range classes {
				if classes[i].Name != names[i] {
					t.Errorf("class %d is %s, want %s", i, classes[i].Name, names[i])
				}
			}
		}
	}
	read("a", "b")
	other := class("a", 1, "")
	s.must(s.Get(t.Context(), client.ObjectKeyFromObject(other), other))
	other.Spec.ControllerName = "example.com/other"
	s.must(s.Update(t.Context(), other))
	read("b")
	s.must(s.Delete(t.Context(), class("b", 2, "")))
	read()
	s.must(s.Create(t.Context(), class("c", 3, "")))
	read("c")
	if whole != 4 {
		t.Errorf("the classes were read as a whole %d times, want 4", whole)
	}
}
