package graph

import (
	"slices"
	"testing"
)

func TestSpecificity(t *testing.T) {
	ascending := []string{"", "*.com", "*.example.com", "*.a.example.com", "a.b", "a.example.com", "b.a.example.com"}
	shuffled := []string{"a.example.com", "*.com", "b.a.example.com", "", "*.a.example.com", "a.b", "*.example.com"}
	slices.SortFunc(shuffled, compareSpecificity)
	if !slices.Equal(shuffled, ascending) {
		t.Errorf("got %q, want %q", shuffled, ascending)
	}
}

func TestWrittenHostname(t *testing.T) {
	tests := []struct {
		hostnames  []string
		name, want string
	}{
		{nil, "a.example.com", ""},
		{[]string{"*.com", "*.example.com", "*.org"}, "a.example.com", "*.example.com"},
		{[]string{"*.example.com", "a.example.com"}, "a.example.com", "a.example.com"},
		{[]string{"*.com"}, "*.example.com", "*.com"},
		{[]string{"b.example.com"}, "a.example.com", ""},
	}
	for _, tt := range tests {
		route := &Route{hostnames: tt.hostnames}
		if got := route.written(tt.name); got != tt.want {
			t.Errorf("%q of %q: got %q, want %q", tt.name, tt.hostnames, got, tt.want)
		}
	}
}
