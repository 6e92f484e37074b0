package collect

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

func series(id uint32, name string) probe.Series {
	return probe.Series{ID: id, Listener: "web", Namespace: "shop", Name: name, Rule: "0"}
}

func TestDirectory(t *testing.T) {
	var d Directory
	start := time.Unix(1000, 0)
	replace := func(after time.Duration, s ...probe.Series) map[uint32]bool {
		return d.Replace(&probe.Tables{Series: s}, start.Add(after)).Series
	}
	check := func(step string, gone, want map[uint32]bool, names ...string) {
		t.Helper()
		if diff := cmp.Diff(want, gone); diff != "" {
			t.Errorf("%s: gone (-want +got):\n%s", step, diff)
		}
		for i, name := range names {
			if got := d.route(uint32(i + 1)).route; got != name {
				t.Errorf("%s: series %d: got %s, want %s", step, i+1, got, name)
			}
		}
	}
	none := map[uint32]bool{}
	check("at first", replace(0, series(1, "a"), series(2, "b")), none, "shop/a", "shop/b")
	check("one removed keeps its name", replace(time.Second, series(1, "a")), none, "shop/a", "shop/b")
	check("one that comes back is as it was", replace(2*time.Second, series(1, "a"), series(2, "b")), none, "shop/a", "shop/b")
	check("one that stands for another is gone", replace(3*time.Second, series(1, "c"), series(2, "b")), map[uint32]bool{1: true}, "shop/c", "shop/b")
	check("removed again", replace(4*time.Second, series(1, "c")), none, "shop/c", "shop/b")
	check("removed still", replace(5*time.Second, series(1, "c")), none)
	check("before its time", d.Expire(start.Add(4*time.Second+grace-1)).Series, none, "shop/c", "shop/b")
	check("at its time", d.Expire(start.Add(4*time.Second+grace)).Series, map[uint32]bool{2: true}, "shop/c", other)
	check("only once", d.Expire(start.Add(time.Hour)).Series, none)
	d.Reset()
	check("after a reset", none, none, other, other)
}
