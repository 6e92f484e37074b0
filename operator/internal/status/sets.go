package status

import (
	"maps"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// Sets are the names of a Gateway's ListenerSets. What is said of all its routes shares
// one of it, so that of a ListenerSet that joins nothing is to be said in the others. It is
// safe for concurrent use; nil is none.
type Sets struct {
	// names are not changed, but replaced.
	names atomic.Pointer[map[types.NamespacedName]struct{}]
}

// NewSets returns a Sets with some names.
func NewSets(names ...types.NamespacedName) *Sets {
	s := &Sets{}
	s.set(names)
	return s
}

func (s *Sets) set(names []types.NamespacedName) {
	all := make(map[types.NamespacedName]struct{}, len(names))
	for _, name := range names {
		all[name] = struct{}{}
	}
	s.names.Store(&all)
}

func namesOfSets(sets []*graph.ListenerSet) []types.NamespacedName {
	names := make([]types.NamespacedName, len(sets))
	for i, set := range sets {
		names[i] = set.Name()
	}
	return names
}

// Has says whether the name is among them.
func (s *Sets) Has(name types.NamespacedName) bool {
	_, has := s.all()[name]
	return has
}

// Equal says whether both have the same names.
func (s *Sets) Equal(o *Sets) bool { return maps.Equal(s.all(), o.all()) }

func (s *Sets) all() map[types.NamespacedName]struct{} {
	if s == nil || s.names.Load() == nil {
		return nil
	}
	return *s.names.Load()
}
