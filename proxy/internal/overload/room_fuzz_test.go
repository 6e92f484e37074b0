package overload

import (
	"slices"
	"testing"
)

// closing counts how often it was closed.
type closing struct{ n int }

func (c *closing) Close() error { c.n++; return nil }

const roomSize = 3

// visitors are those who have entered a Room, beside a queue of those who should
// be there, by their numbers.
type visitors struct {
	t      *testing.T
	room   *Room
	places []*Place
	conns  []*closing
	queue  []int
	closed bool
}

// enter takes one more in, for whom the one that waits longest may have to go.
func (v *visitors) enter() {
	c := &closing{}
	p := v.room.Enter(c)
	if (p == nil) != v.closed {
		v.t.Fatalf("entered %v, closed %v", p != nil, v.closed)
	}
	if v.closed {
		return
	}
	v.places, v.conns, v.queue = append(v.places, p), append(v.conns, c), append(v.queue, len(v.conns))
	if len(v.queue) > roomSize {
		if v.conns[v.queue[0]].n != 1 {
			v.t.Fatal("the first one stays")
		}
		v.queue = v.queue[1:]
	}
}

// leave has any who has ever entered leave.
func (v *visitors) leave(n int) {
	if len(v.places) == 0 {
		return
	}
	n %= len(v.places)
	i := slices.Index(v.queue, n)
	if got := v.room.Leave(v.places[n]); got != (i >= 0) {
		v.t.Fatalf("visitor %d of %v has left: %v", n, v.queue, got)
	}
	if i >= 0 {
		v.queue = slices.Delete(v.queue, i, i+1)
	}
}

func (v *visitors) check() {
	if v.room.Size() != len(v.queue) {
		v.t.Fatalf("%d in the room, want %d", v.room.Size(), len(v.queue))
	}
	for i, c := range v.conns {
		if c.n > 1 || c.n == 1 && slices.Contains(v.queue, i) {
			v.t.Fatalf("visitor %d was closed %d times, in the room are %v", i, c.n, v.queue)
		}
	}
}

// FuzzRoom compares a Room with a queue: who is sent away is the one that waits
// longest, once, and never somebody who has left.
func FuzzRoom(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x01\x01\x02"))
	f.Add([]byte("\x00\x11\x00\x00\x00\x21\x00\x02\x00"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		v := &visitors{t: t, room: NewRoom(NewGate(Limits{}), roomSize)}
		for _, op := range ops {
			switch op & 3 {
			case 0, 3:
				v.enter()
			case 1:
				v.leave(int(op >> 2))
			case 2:
				v.closed, v.queue = true, nil
				v.room.Close()
			}
			v.check()
		}
	})
}
