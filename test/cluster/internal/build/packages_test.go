package build

import (
	"slices"
	"testing"
)

func TestMissingPackages(t *testing.T) {
	is := func(present bool) func() bool { return func() bool { return present } }
	got := missingPackages([]Package{{"here", is(true)}, {"absent", is(false)}, {"also-absent", is(false)}})
	if want := []string{"absent", "also-absent"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Only C code needs a compiler and its libraries: with runc in the cache, a
// machine without them will do.
func TestPackagesForComponents(t *testing.T) {
	pure, c := target{Component: Component{Name: "pure"}}, target{Component: Component{Name: "c", CGO: true}}
	if got := packagesFor([]target{pure}); len(got) != 0 {
		t.Errorf("pure Go: got %d packages, want none", len(got))
	}
	var names []string
	for _, p := range packagesFor([]target{pure, c}) {
		names = append(names, p.Name)
	}
	if !slices.Contains(names, "gcc") || !slices.Contains(names, "libseccomp-dev") {
		t.Errorf("with C: got %v", names)
	}
}
