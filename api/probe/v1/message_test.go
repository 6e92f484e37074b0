package probe

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func tablesOf(n int, name string) Tables {
	var t Tables
	for i := range n {
		id := uint32(i + 1)
		t.Series = append(t.Series, Series{id, name, "HTTPRoute", name, name, name})
		t.Backends = append(t.Backends, Backend{id, name, name, 8080})
		t.Ports = append(t.Ports, Port{uint16(i), name})
		for range 5 {
			t.Endpoints = append(t.Endpoints, Endpoint{netip.MustParseAddrPort("[2001:db8:1111:2222:3333:4444:5555:6666]:65535"), id})
		}
	}
	return t
}

// amendmentOf has the tables, and as much that is gone.
func amendmentOf(n int, name string) Amendment {
	a := Amendment{Tables: tablesOf(n, name)}
	a.Gone.Endpoints = a.Endpoints
	for range 5 * n {
		a.Gone.Backends = append(a.Gone.Backends, MaxSeries-1)
	}
	return a
}

func TestSplitUpdatesCarryEverythingInSmallMessages(t *testing.T) {
	for _, n := range []int{0, 1, 32, 33, 1000} {
		want := amendmentOf(n, strings.Repeat("n", 253))
		var got Amendment
		updates := want.Split()
		for i, u := range updates {
			if last := i == len(updates)-1; u.Last != last {
				t.Errorf("n=%d: update %d of %d: Last is %v", n, i, len(updates), u.Last)
			}
			packet, err := Encode(u)
			if err != nil {
				t.Fatalf("n=%d: %v", n, err)
			}
			var decoded Update
			if err := Decode(packet, &decoded); err != nil {
				t.Fatalf("n=%d: %v", n, err)
			}
			if !decoded.Amends {
				t.Errorf("n=%d: update %d replaces the tables", n, i)
			}
			got.Add(&decoded)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
			t.Errorf("n=%d: tables changed on the way (-want +got):\n%s", n, diff)
		}
	}
}

func TestEncodeRefusesWhatIsTooLarge(t *testing.T) {
	if _, err := Encode(Hello{CgroupPath: strings.Repeat("/x", MaxMessage)}); err == nil {
		t.Error("a message over the limit was encoded")
	}
}

func TestDecodeIgnoresWhatIsNotKnown(t *testing.T) {
	var w Welcome
	if err := Decode([]byte(`{"abi":1,"mode":"shm","future":[1]}`), &w); err != nil || w.Mode != ModeShared {
		t.Errorf("got %+v, %v", w, err)
	}
	if err := Decode([]byte(`{`), &w); err == nil {
		t.Error("half a message was decoded")
	}
}
