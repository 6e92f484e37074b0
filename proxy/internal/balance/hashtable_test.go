package balance

import (
	"encoding/binary"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

var hashed = &proxyconfig.Policy{
	Algorithm: proxyconfig.ConsistentHash,
	Hash:      &proxyconfig.HashKey{Source: proxyconfig.HashHeader, Name: "X-User"},
}

// assignments are the addresses that many keys lead to.
func assignments(t *testing.T, c *Cluster) []string {
	t.Helper()
	out := make([]string, 20000)
	for i := range out {
		e, _ := c.Choose(&Request{Now: 2, Hash: HashKey(binary.BigEndian.AppendUint32(nil, uint32(i)))})
		out[i] = e.Addr.String()
	}
	return out
}

func moved(a, b []string) int {
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

func TestHashKeepsToItsEndpoint(t *testing.T) {
	c := applyPolicy(t, NewRegistry(Options{}), addresses(10), hashed)
	before := assignments(t, c)
	if n := moved(before, assignments(t, c)); n != 0 {
		t.Errorf("%d keys moved though nothing changed", n)
	}
	other := applyPolicy(t, NewRegistry(Options{}), "10.0.0.10 10.0.0.9 10.0.0.8 10.0.0.7 10.0.0.6 10.0.0.5 10.0.0.4 10.0.0.3 10.0.0.2 10.0.0.1", hashed)
	if n := moved(before, assignments(t, other)); n != 0 {
		t.Errorf("another proxy disagrees on %d keys", n)
	}
	counts := map[string]int{}
	for _, address := range before {
		counts[address]++
	}
	for address, n := range counts {
		if n < 1800 || n > 2200 {
			t.Errorf("%s has %d of 20000 keys, want about 2000", address, n)
		}
	}
}

func TestRemovingAnEndpointMovesLittleButItsKeys(t *testing.T) {
	for _, n := range []int{2, 10, 100} {
		r := NewRegistry(Options{})
		before := assignments(t, applyPolicy(t, r, addresses(n), hashed))
		after := assignments(t, applyPolicy(t, r, addresses(n-1), hashed))
		share := len(before) / n
		if got := moved(before, after); got < share/2 || got > share+len(before)/20 {
			t.Errorf("removing one of %d moved %d of %d keys", n, got, len(before))
		}
	}
}

func TestEjectionMovesTheKeysOfOneEndpointAndBack(t *testing.T) {
	c := applyPolicy(t, NewRegistry(Options{}), addresses(10), hashed)
	before := assignments(t, c)
	out := find(t, c, "10.0.0.4")
	out.Failed(1)
	heirs := map[string]bool{}
	for i, address := range assignments(t, c) {
		if before[i] != out.Addr.String() && address != before[i] {
			t.Fatalf("key %d moved from %s, which is well", i, before[i])
		}
		if before[i] == out.Addr.String() {
			heirs[address] = true
		}
	}
	if len(heirs) != 9 {
		t.Errorf("%d endpoints share the keys of one that is out, want all 9", len(heirs))
	}
	out.Readmit()
	if n := moved(before, assignments(t, c)); n != 0 {
		t.Errorf("%d keys did not come back", n)
	}
}

func TestRequestsWithoutAKeyTakeTurns(t *testing.T) {
	c := applyPolicy(t, NewRegistry(Options{}), addresses(4), hashed)
	for e, n := range shares(t, c, 1, 400) {
		if n != 100 {
			t.Errorf("%s had %d of 400, want 100", e.Addr, n)
		}
	}
	if source, name := c.Policy().HashOn(); source != proxyconfig.HashHeader || name != "x-user" {
		t.Errorf("hashes %s %q", source, name)
	}
}

func TestTableIsTakenOverWhereEndpointsStay(t *testing.T) {
	r := NewRegistry(Options{})
	c := applyPolicy(t, r, addresses(3), hashed)
	table := c.endpoints().table
	applyPolicy(t, r, addresses(3), hashed)
	if c.endpoints().table != table {
		t.Error("the table was built again")
	}
	applyPolicy(t, r, addresses(3), nil)
	if c.endpoints().table != nil {
		t.Error("round robin has a table")
	}
}
