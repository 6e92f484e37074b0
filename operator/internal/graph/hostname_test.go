package graph

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIntersect(t *testing.T) {
	for _, test := range []struct {
		listener string
		route    []string
		want     []string
	}{
		{"", nil, []string{""}},
		{"a.example.com", nil, []string{"a.example.com"}},
		{"", []string{"b.example.com", "a.example.com", "a.example.com"}, []string{"a.example.com", "b.example.com"}},
		{"a.example.com", []string{"a.example.com"}, []string{"a.example.com"}},
		{"a.example.com", []string{"b.example.com"}, nil},
		{"a.example.com", []string{"*.example.com", "*.com"}, []string{"a.example.com"}},
		{"*.example.com", []string{"example.com"}, nil},
		{"*.example.com", []string{"a.b.example.com"}, []string{"a.b.example.com"}},
		{"*.example.com", []string{"*.example.com"}, []string{"*.example.com"}},
		{"*.example.com", []string{"*.b.example.com"}, []string{"*.b.example.com"}},
		{"*.b.example.com", []string{"*.example.com"}, []string{"*.b.example.com"}},
		{"*.example.com", []string{"aexample.com", "*.aexample.com"}, nil},
		{"*.example.com", []string{"*.example.org"}, nil},
	} {
		if diff := cmp.Diff(test.want, intersect(test.listener, test.route)); diff != "" {
			t.Errorf("intersect(%q, %q) (-want +got):\n%s", test.listener, test.route, diff)
		}
	}
}

func TestValidHostname(t *testing.T) {
	for _, name := range []string{"a", "a.example.com", "*.example.com", "1.example.com", "*.com"} {
		if !validHostname(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{"", "*", "*.", "*.*.com", "a.*.com", "*a.com", "a..b", ".a", "a.", "-a.com", "a_b.com", "192.0.2.1", "::1", "a b", "A.com"} {
		if validHostname(name) {
			t.Errorf("%q is accepted", name)
		}
	}
}
