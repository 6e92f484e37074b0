package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/edition"
)

// However much differs, the list becomes the one that is collected, and what differs is
// told unless it is too much.
func TestDifferencesLeadToTheListToBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) map[string]string {
			return rapid.MapOfN(rapid.StringMatching("[a-e][a-e]?[a-e]?"), rapid.StringMatching("[xy]"), 0, 60).Draw(t, label)
		}
		before, after := collected(draw("before")), collected(draw("after"))
		d := differences[proxyconfig.Backend]{order: edition.Backends}
		differ := 0
		for _, id := range ids(before, after) {
			had, is := item(before, id), item(after, id)
			if cmp.Equal(had, is) {
				continue
			}
			differ++
			d.went(had)
			d.came(is)
		}
		got := d.applied(before, func(list []proxyconfig.Backend) []proxyconfig.Backend { return append(list, after...) })
		if diff := cmp.Diff(after, got); diff != "" {
			t.Errorf("the list is another one (-want +got):\n%s", diff)
		}
		if told := len(ids(d.items(), nil)); !d.many && told != differ {
			t.Errorf("%d items differ, and %d are told of", differ, told)
		}
	})
}

func collected(services map[string]string) (list []proxyconfig.Backend) {
	d := differences[proxyconfig.Backend]{order: edition.Backends}
	for id, service := range services {
		d.here = append(d.here, &proxyconfig.Backend{ID: id, Service: service})
	}
	d.apply(&list)
	return list
}

func ids(a, b []proxyconfig.Backend) (all []string) {
	seen := make(map[string]bool)
	for _, backend := range append(append([]proxyconfig.Backend(nil), a...), b...) {
		if !seen[backend.ID] {
			seen[backend.ID] = true
			all = append(all, backend.ID)
		}
	}
	return all
}

func item(list []proxyconfig.Backend, id string) *proxyconfig.Backend {
	for i := range list {
		if list[i].ID == id {
			copied := list[i]
			return &copied
		}
	}
	return nil
}
