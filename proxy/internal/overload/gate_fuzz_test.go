package overload

import "testing"

// clients are the connections of a Gate, as those who opened them know them.
type clients struct {
	gate     *Gate
	doors    [2]*Door
	in       [2][]*Ticket
	borrowed int
	files    int
	refused  [numReasons]uint64
}

// enter comes in by a door, and says whether that is as it has to be.
func (c *clients) enter(door int) bool {
	in, l := len(c.in[0])+len(c.in[1]), c.gate.limits
	why, refuses := Overloaded, true
	switch {
	case c.gate.Level() >= RefuseConnections:
	case len(c.in[door]) >= l.PerListener:
		why = ListenerFull
	case in >= l.Total:
		why = Full
	case in+c.borrowed+c.files >= l.Descriptors:
		why = NoDescriptor
	default:
		refuses = false
	}
	ticket := c.doors[door].Ticket()
	if ticket != nil {
		c.in[door] = append(c.in[door], ticket)
		return !refuses
	}
	c.refused[why]++
	return refuses
}

// leave has the first one of a door leave, twice, of which the second is nothing.
func (c *clients) leave(door int) {
	if len(c.in[door]) > 0 {
		c.in[door][0].Leave()
		c.in[door][0].Leave()
		c.in[door] = c.in[door][1:]
	}
}

func (c *clients) free() bool {
	return len(c.in[0])+len(c.in[1])+c.borrowed+c.files < c.gate.limits.Descriptors
}

// step does what a byte says, and reports whether the Gate's answer was right.
func (c *clients) step(op byte) bool {
	switch op & 7 {
	case 0, 1:
		return c.enter(int(op & 1))
	case 2, 3:
		c.leave(int(op & 1))
	case 4:
		want := c.free() && c.borrowed < c.gate.limits.Backends
		if c.gate.Borrow() != want {
			return false
		} else if want {
			c.borrowed++
		}
	case 5:
		if c.borrowed > 0 {
			c.gate.Return()
			c.borrowed--
		}
	case 6:
		want := c.free()
		if c.gate.Open() != want {
			return false
		} else if want {
			c.files++
		}
	case 7:
		if op&8 != 0 {
			c.gate.Set(Level(op >> 4 & 3))
		} else if c.files > 0 {
			c.gate.Closed()
			c.files--
		}
	}
	return true
}

// FuzzGate has clients come and go, by tickets that are given back more than
// once, beside connections to backends and files, and compares the Gate's answers
// and counts with plain ones.
func FuzzGate(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x02\x00\x01\x01\x01"))
	f.Add([]byte("\x04\x04\x04\x04\x05\x04\x06\x06\x06\x00\x07\x00"))
	f.Add([]byte("\x00\x3f\x00\x02\x0f\x00\x01\x04\x06\x06"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		g := NewGate(Limits{PerListener: 3, Total: 5, Descriptors: 7, Backends: 3})
		c := &clients{gate: g, doors: [2]*Door{g.Door(80), g.Door(443)}}
		for i, op := range ops {
			if !c.step(op) {
				t.Fatalf("step %d: a wrong answer with %d and %d in, %d borrowed, %d files", i, len(c.in[0]), len(c.in[1]), c.borrowed, c.files)
			}
			if g.doors[80].Open() != len(c.in[0]) || g.doors[443].Open() != len(c.in[1]) || int(g.backends.Load()) != c.borrowed ||
				int(g.descriptors.Load()) != len(c.in[0])+len(c.in[1])+c.borrowed+c.files || int(g.clients.Load()) != len(c.in[0])+len(c.in[1]) {
				t.Fatalf("step %d: wrong counts", i)
			}
		}
		for why, n := range g.Stats().Refused {
			if n != c.refused[why] {
				t.Errorf("%d refused as %s, want %d", n, why, c.refused[why])
			}
		}
	})
}
