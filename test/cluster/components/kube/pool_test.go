package main

import (
	"net/netip"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestPoolTake(t *testing.T) {
	type step struct {
		owner  types.UID
		wanted string
		want   string // empty: an error
	}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"lowest free address first", []step{{"a", "", "192.0.2.1"}, {"b", "", "192.0.2.2"}}},
		{"an owner keeps its address", []step{{"a", "", "192.0.2.1"}, {"a", "", "192.0.2.1"}}},
		{"a wanted address is honoured", []step{{"a", "192.0.2.3", "192.0.2.3"}, {"b", "", "192.0.2.1"}}},
		{"a taken address is refused", []step{{"a", "192.0.2.3", "192.0.2.3"}, {"b", "192.0.2.3", ""}}},
		{"an address outside is refused", []step{{"a", "198.51.100.1", ""}}},
		{"a malformed address is refused", []step{{"a", "nonsense", ""}}},
		{"the pool ends", []step{{"a", "", "192.0.2.1"}, {"b", "", "192.0.2.2"}, {"c", "", "192.0.2.3"}, {"d", "", ""}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPool(netip.MustParsePrefix("192.0.2.0/30"))
			for i, s := range test.steps {
				got, err := p.take(s.owner, s.wanted)
				if s.want == "" {
					if err == nil {
						t.Fatalf("step %d: got %s, want an error", i, got)
					}
					continue
				}
				if err != nil || got.String() != s.want {
					t.Fatalf("step %d: got %s, %v, want %s", i, got, err, s.want)
				}
			}
		})
	}
}

func TestPoolRetainFreesOnlyTheGone(t *testing.T) {
	p := newPool(netip.MustParsePrefix("192.0.2.0/29"))
	for _, owner := range []types.UID{"a", "b"} {
		if _, err := p.take(owner, ""); err != nil {
			t.Fatal(err)
		}
	}
	p.retain(map[types.UID]bool{"b": true})
	if got, err := p.take("c", ""); err != nil || got.String() != "192.0.2.1" {
		t.Errorf("got %s, %v, want the address that was freed", got, err)
	}
	if _, err := p.take("d", "192.0.2.2"); err == nil {
		t.Error("the address of a live owner was given away")
	}
}

func TestPoolHoldMovesAnOwner(t *testing.T) {
	p := newPool(netip.MustParsePrefix("192.0.2.0/29"))
	p.hold("a", netip.MustParseAddr("192.0.2.1"))
	p.hold("a", netip.MustParseAddr("192.0.2.5"))
	if got, err := p.take("b", ""); err != nil || got.String() != "192.0.2.1" {
		t.Errorf("got %s, %v, want the address that was left", got, err)
	}
}
