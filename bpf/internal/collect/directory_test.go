package collect

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
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
			if got := d.route(uint32(i + 1)).key.Value().route; got != name {
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

// world is what a proxy tells of: names by number, and the numbers of each address.
type world struct {
	names     map[uint32]string
	series    map[uint32]probe.Series
	addresses map[int][]uint32
}

// change changes something, and adds it to the amendment.
func (w *world) change(random *rand.Rand, a *probe.Amendment) {
	id, at := uint32(random.IntN(4)+1), random.IntN(3)
	endpoint := probe.Endpoint{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(at)}), 80), Backend: id}
	// An amendment names a backend once.
	comes := slices.ContainsFunc(a.Backends, func(b probe.Backend) bool { return b.ID == id })
	switch random.IntN(5) {
	case 4:
		// Series never go, and one stands for something else after a while alone.
		if _, there := w.series[id]; !there {
			w.series[id] = series(id, fmt.Sprint(random.IntN(3)))
			a.Series = append(a.Series, w.series[id])
		}
	case 0:
		if comes {
			return
		}
		w.names[id] = fmt.Sprint(random.IntN(3))
		a.Backends = append(a.Backends, probe.Backend{ID: id, Service: w.names[id]})
	case 1:
		if !comes {
			delete(w.names, id)
			a.Gone.Backends = append(a.Gone.Backends, id)
		}
	case 2:
		if !slices.Contains(w.addresses[at], id) {
			w.addresses[at] = append(w.addresses[at], id)
			a.Endpoints = append(a.Endpoints, endpoint)
		}
	case 3:
		if !slices.Contains(a.Endpoints, endpoint) && slices.Contains(w.addresses[at], id) {
			w.addresses[at] = slices.DeleteFunc(w.addresses[at], func(o uint32) bool { return o == id })
			a.Gone.Endpoints = append(a.Gone.Endpoints, endpoint)
		}
	}
}

func (w *world) tables() *probe.Tables {
	t := &probe.Tables{Series: slices.Collect(maps.Values(w.series))}
	for id, name := range w.names {
		t.Backends = append(t.Backends, probe.Backend{ID: id, Service: name})
	}
	for at, ids := range w.addresses {
		for _, id := range ids {
			t.Endpoints = append(t.Endpoints, probe.Endpoint{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(at)}), 80), Backend: id})
		}
	}
	return t
}

// Amending what was told is telling all of it anew.
func TestAmendingIsReplacing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := &world{names: map[uint32]string{}, series: map[uint32]probe.Series{}, addresses: map[int][]uint32{}}
	var amended, replaced Directory
	amended.Replace(w.tables(), time.Unix(1, 0))
	replaced.Replace(w.tables(), time.Unix(1, 0))
	for step := range 5000 {
		now := time.Unix(int64(step), 0)
		var a probe.Amendment
		for range random.IntN(3) {
			w.change(random, &a)
		}
		got, want := amended.Amend(&a, now), replaced.Replace(w.tables(), now)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("step %d: gone after %+v (-replaced +amended):\n%s", step, a, diff)
		}
		if diff := cmp.Diff(replaced.backends, amended.backends, cmp.AllowUnexported(entry[string]{})); diff != "" {
			t.Fatalf("step %d: backends after %+v (-replaced +amended):\n%s", step, a, diff)
		}
		for id := range uint32(5) {
			if got, want := *amended.route(id), *replaced.route(id); got != want {
				t.Fatalf("step %d: series %d is %v, want %v", step, id, got, want)
			}
		}
		for at, ids := range w.addresses {
			address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(at)}), 80)
			if got, there := amended.endpoints.first[address]; there != (len(ids) > 0) || there && got != ids[0] {
				t.Fatalf("step %d: %s is told as that of %d, of %v", step, address, got, ids)
			}
		}
		if random.IntN(50) == 0 {
			amended.Expire(now.Add(grace))
			replaced.Expire(now.Add(grace))
		}
	}
}
