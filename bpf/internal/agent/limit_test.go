package agent

import (
	"fmt"
	"net/netip"
	"testing"
)

func address(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}) }

func TestOneAddressDoesNotTakeTheRoomOfAll(t *testing.T) {
	d := newDoor()
	for range strangersEach {
		if !d.enter(address(1)) {
			t.Fatal("there is no room")
		}
	}
	if d.enter(address(1)) {
		t.Error("one address has more than its share")
	}
	if !d.enter(address(2)) {
		t.Error("there is no room for another")
	}
	d.leave(address(1))
	if !d.enter(address(1)) {
		t.Error("who has left is not let in again")
	}
}

func TestThereIsRoomForSoManyStrangers(t *testing.T) {
	d := newDoor()
	entered := 0
	for n := range 2 * strangers {
		if d.enter(address(n)) {
			entered++
		}
	}
	if entered != strangers {
		t.Errorf("%d were let in, want %d", entered, strangers)
	}
}

func TestOneAddressDoesNotUseUpTheReviews(t *testing.T) {
	d := newDoor()
	asked := 0
	d.enter(address(1))
	for range 2 * reviewsAtOnce {
		if d.mayAsk(address(1)) {
			asked++
		}
	}
	// Some time may pass meanwhile.
	if asked < reviewsEach || asked > reviewsEach+reviewsAtOnce/4 {
		t.Errorf("one address asked %d times", asked)
	}
	d.enter(address(2))
	if !d.mayAsk(address(2)) {
		t.Error("nothing is left for another")
	}
	d.leave(address(1))
	d.forget()
	if d.guests[address(1)] == nil {
		t.Error("by leaving, an address gets its share anew")
	}
}

func TestThereAreSoManyPods(t *testing.T) {
	p := &pods{sessions: map[string]*place{}}
	for n := range MaxPods {
		if p.claim(fmt.Sprint(n), nil) == nil {
			t.Fatalf("there is no room for pod %d", n)
		}
	}
	if p.claim("another", nil) != nil {
		t.Error("there is room for more")
	}
	p.leave("0", p.sessions["0"])
	if p.claim("another", nil) == nil {
		t.Error("what has become free is not taken")
	}
}
