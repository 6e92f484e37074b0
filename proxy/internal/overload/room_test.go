package overload

import (
	"maps"
	"testing"
)

// guest is a connection in a Room.
type guest struct{ closed bool }

func (g *guest) Close() error { g.closed = true; return nil }

func TestRoom(t *testing.T) {
	gate := NewGate(Limits{})
	r := NewRoom(gate, 2)
	guests := []*guest{{}, {}, {}, {}}
	first, second := r.Enter(guests[0]), r.Enter(guests[1])
	third := r.Enter(guests[2])
	if !guests[0].closed || guests[1].closed || r.Size() != 2 {
		t.Error("the oldest did not have to go")
	}
	if r.Leave(first) || !r.Leave(second) || guests[1].closed {
		t.Error("who was sent away can leave, or who was not cannot")
	}
	r.Close()
	if !guests[2].closed || r.Leave(third) || r.Enter(guests[3]) != nil || r.Size() != 0 {
		t.Error("a closed room is not empty")
	}
	if got := gate.refusals(); !maps.Equal(got, map[Reason]uint64{NotGreeted: 1}) {
		t.Errorf("refused: %v", got)
	}
}
