package fleet

import (
	"net/netip"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestAddresses(t *testing.T) {
	a := newAddresses(77)
	var none netip.Addr
	steps := []struct {
		namespace, class string
		want             netip.Addr
		address, problem string
	}{
		{"a", "one", none, "127.77.0.1", ""},
		{"b", "one", none, "127.77.0.2", ""},
		{"c", "two", none, "127.78.0.1", ""},
		{"a", "one", none, "127.77.0.1", ""},
		{"d", "one", netip.MustParseAddr("127.0.0.9"), "127.0.0.9", ""},
		{"e", "one", netip.MustParseAddr("127.0.0.9"), "", "is Gateway d/web's"},
		{"f", "one", netip.MustParseAddr("127.77.0.3"), "127.77.0.3", ""},
		{"g", "one", none, "127.77.0.4", ""},
	}
	for _, s := range steps {
		got, err := a.take(types.NamespacedName{Namespace: s.namespace, Name: "web"}, s.class, s.want)
		if s.problem != "" {
			if err == nil || !strings.Contains(err.Error(), s.problem) {
				t.Errorf("%s: error %v, want %q", s.namespace, err, s.problem)
			}
			continue
		}
		if err != nil || got.String() != s.address {
			t.Errorf("%s: %s, %v, want %s", s.namespace, got, err, s.address)
		}
	}
	a.release(types.NamespacedName{Namespace: "b", Name: "web"})
	if got, err := a.take(types.NamespacedName{Namespace: "h", Name: "web"}, "one", none); err != nil || got.String() != "127.77.0.2" {
		t.Errorf("a released address is not given again: %s, %v", got, err)
	}
}

func TestClassIsFull(t *testing.T) {
	a := newAddresses(77)
	for i := range maxHosts {
		if _, err := a.take(types.NamespacedName{Name: strings.Repeat("x", i+1)}, "one", netip.Addr{}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := a.take(types.NamespacedName{Name: "more"}, "one", netip.Addr{}); err == nil {
		t.Errorf("got %s", got)
	}
}
